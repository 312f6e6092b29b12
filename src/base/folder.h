/* Folders. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include "base/error.h"

/* Creates a folder and its missing parents (mode 0777 less the umask). DAE_IO. */
MUST_USE enum dae_status folder_make(const char *path, struct error *err);

#endif
