/* The drivers that the OpenCL loader would load: the .icd files in its folder, or what the environment names instead.
 * They are read here as the loader reads them, but nothing is loaded. */
#ifndef DRIVER_ICD_H
#define DRIVER_ICD_H

#include "base/error.h"

enum { ICD_PATH = 1024 };

/* One driver. */
struct icd {
    char path[ICD_PATH];    /* its .icd file; "" if the environment names a library itself */
    char library[ICD_PATH]; /* the file's first line: a path, or a name that the dynamic loader searches for */
    char problem[256];      /* why there is nothing to load: "it is empty"; else "" */
};

struct icd_list {
    struct icd *icd; /* n of them, owned, in the order of their names */
    int n;
    char place[ICD_PATH]; /* the folder or file that was read */
    const char *variable; /* the variable that named the place; NULL: it is the usual one */
    char problem[256];    /* why there is no driver at all: "there is no folder /etc/OpenCL/vendors"; else "" */
};

/* Reads the place named by $OCL_ICD_VENDORS (a folder, an .icd file or a library), else by $OPENCL_VENDOR_PATH (a
 * folder), else /etc/OpenCL/vendors. The list reports what is wrong there; only lack of memory is a failure. */
MUST_USE enum dae_status icd_list_read(struct icd_list *list, struct error *err);
void icd_list_release(struct icd_list *list);

/* The name of a driver for people: the .icd file, or the library. */
const char *icd_name(const struct icd *icd);

/* Creates a temporary folder with an .icd file for each of n drivers. Setting OCL_ICD_VENDORS to it limits every loader
 * to these. DAE_IO if there is no place for temporary files. */
MUST_USE enum dae_status icd_folder_make(const struct icd *const *icd, int n, char path[ICD_PATH], struct error *err);
void icd_folder_remove(const char *path);

#endif
