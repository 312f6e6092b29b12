/* Decides from a file's bytes whether it can be a shared library of this machine. Loading it to find out would run its
 * constructors, and mapping a truncated one kills the process. */
#ifndef BASE_LIBRARY_FILE_H
#define BASE_LIBRARY_FILE_H

/* NULL if the open file is an ELF file for this kind of machine and as long as its header says; else what is wrong with
 * it, without a full stop: "it is not a library (not an ELF file)". */
const char *library_file_fault(int file);

#endif
