/* The version of the program; the Makefile reads it from here. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define DAE_CL_VERSION "0.1.0"

#endif
