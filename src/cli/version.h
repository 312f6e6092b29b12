/* The version of the program; the Makefile reads it from here. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

#define DAE_CL_VERSION "0.1.0"

#endif
