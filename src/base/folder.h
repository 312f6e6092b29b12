/* Creates and removes folders. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include "base/error.h"

/* Creates a folder and its missing parents (mode 0777 minus the umask). DAE_IO. */
MUST_USE enum dae_status folder_make(const char *path, struct error *err);

/* Removes a file, or a folder with its content; links are removed and not followed. If there is nothing: DAE_OK. */
MUST_USE enum dae_status folder_remove(const char *path, struct error *err);

#endif
