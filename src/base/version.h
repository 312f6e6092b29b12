/* The version of the program, which the Makefile reads from here, and the day of its release. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define DAE_CL_VERSION "0.1.0"
#define DAE_CL_RELEASED "2026-11-29"

#endif
