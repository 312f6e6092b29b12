/* What to type about a finding, on the three families of Linux distributions. */
#ifndef DRIVER_REMEDY_H
#define DRIVER_REMEDY_H

#include "base/json.h"

enum remedy {
    REMEDY_INSTALL_CPU, /* a driver for the CPU */
    REMEDY_INSTALL_AMD, /* for AMD's GPUs; the next two likewise */
    REMEDY_INSTALL_INTEL,
    REMEDY_INSTALL_NVIDIA,
    REMEDY_REINSTALL,    /* reinstall the package of a file; subject: the file */
    REMEDY_FIND_LIBRARY, /* find a library that a driver needs; subject: its name */
    REMEDY_SET_ASIDE,    /* an .icd file; subject: the file */
    REMEDY_LET_IN,       /* give this user access to the devices below /dev/dri */
    REMEDY_UNSET,        /* an environment variable; subject: its name */
    REMEDY_COMMAND,      /* the subject itself */
};

/* Appends a finding to the array: {"what": ..., "debian": ..., "fedora": ..., "arch": ...}; Ubuntu is like Debian. */
void remedy_add(cJSON *findings, const char *what, enum remedy remedy, const char *subject);

#endif
