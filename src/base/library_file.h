/* Whether a file can be a shared library of this machine, told from its bytes alone: loading it to find out would run
 * its constructors, and a truncated one kills whoever maps it. */
#ifndef BASE_LIBRARY_FILE_H
#define BASE_LIBRARY_FILE_H

/* NULL when the open file is an ELF file for this kind of machine and as long as its own header says; else what is
 * wrong with it, without a full stop: "it is no library (not an ELF file)". */
const char *library_file_fault(int file);

#endif
