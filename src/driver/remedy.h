/* What to type about a finding, on the three families of Linux distributions. */
#ifndef DRIVER_REMEDY_H
#define DRIVER_REMEDY_H

#include "base/json.h"

enum remedy {
    REMEDY_INSTALL_CPU, /* a driver for the CPU */
    REMEDY_INSTALL_AMD, /* for a GPU of AMD; the next two alike */
    REMEDY_INSTALL_INTEL,
    REMEDY_INSTALL_NVIDIA,
    REMEDY_REINSTALL,    /* the package that a file belongs to; subject: the file */
    REMEDY_FIND_LIBRARY, /* that a driver needs; subject: its name */
    REMEDY_SET_ASIDE,    /* an .icd file; subject: the file */
    REMEDY_LET_IN,       /* this user to the devices below /dev/dri */
    REMEDY_UNSET,        /* an environment variable; subject: its name */
    REMEDY_COMMAND,      /* the subject itself */
};

/* Appends a finding to the array: {"what": ..., "debian": ..., "fedora": ..., "arch": ...}; Ubuntu is like Debian. */
void remedy_add(cJSON *findings, const char *what, enum remedy remedy, const char *subject);

#endif
