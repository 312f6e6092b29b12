/* Files of shared libraries. */
#ifndef BASE_LIBRARY_FILE_H
#define BASE_LIBRARY_FILE_H

#include <limits.h>
#include <stdbool.h>

/* Whether a file can be loaded, decided from its bytes. Loading it to find out would run its constructors, and mapping
 * a truncated one kills the process.
 * NULL if the open file is an ELF file for this kind of machine and as long as its header says; else what is wrong with
 * it, without a full stop: "it is not a library (not an ELF file)". */
const char *library_file_fault(int file);

/* The file, with links followed, that the code or data at `address` was loaded from; false if the linker does not say.
 */
bool library_file_of(const void *address, char path[PATH_MAX]);

/* The function of that name in the libraries loaded after this program, which may define one of its own; NULL if there
 * is none. */
void *library_next(const char *function);

#endif
