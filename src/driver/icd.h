/* Which drivers the OpenCL loader would load: the .icd files in its folder, or what the environment names instead. They
 * are read here as the loader reads them, without loading anything. */
#ifndef DRIVER_ICD_H
#define DRIVER_ICD_H

#include "base/error.h"

enum { ICD_PATH = 1024 };

/* One driver. */
struct icd {
    char path[ICD_PATH];    /* its .icd file; "" when the environment names a library itself */
    char library[ICD_PATH]; /* the file's first line: a path, or a name that the dynamic loader looks for */
    char problem[256];      /* why there is nothing to load: "it is empty"; else "" */
};

struct icd_list {
    struct icd *icd; /* n of them, owned, in the order of their names */
    int n;
    char place[ICD_PATH]; /* the folder or file that was looked at */
    const char *variable; /* that named the place; NULL: it is the usual one */
    char problem[256];    /* why there is no driver at all: "there is no folder /etc/OpenCL/vendors"; else "" */
};

/* Looks where $OCL_ICD_VENDORS (a folder, an .icd file or a library), else $OPENCL_VENDOR_PATH (a folder), else
 * /etc/OpenCL/vendors points. What is wrong there is told in the list: only lack of memory fails. */
MUST_USE enum dae_status icd_list_read(struct icd_list *list, struct error *err);
void icd_list_release(struct icd_list *list);

/* What names a driver for people: the .icd file, or the library. */
const char *icd_name(const struct icd *icd);

/* Makes a folder with an .icd file for each of n drivers, in a place for temporary files. OCL_ICD_VENDORS set to it
 * limits every loader to these. DAE_IO when there is no such place. */
MUST_USE enum dae_status icd_folder_make(const struct icd *const *icd, int n, char path[ICD_PATH], struct error *err);
void icd_folder_remove(const char *path);

#endif
