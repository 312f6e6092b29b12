#define _GNU_SOURCE /* dladdr, RTLD_NEXT */
#include "base/library_file.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The machine for which this program was built. */
static bool own_machine(ElfW(Half) * machine)
{
    ElfW(Ehdr) head;
    const int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    const bool known = self >= 0 && pread(self, &head, sizeof head, 0) == (ssize_t)sizeof head;
    if (self >= 0)
        close(self);
    if (known)
        *machine = head.e_machine;
    return known;
}

/* Whether the file contains all its sections and segments. The loader maps what a truncated file announces and dies of
 * SIGBUS past its end. */
static bool is_whole(int file, const ElfW(Ehdr) * head)
{
    struct stat info;
    uint64_t end;
    if (fstat(file, &info) < 0 || head->e_phentsize != sizeof(ElfW(Phdr)))
        return false;
    const uint64_t len = (uint64_t)info.st_size;
    if (__builtin_add_overflow((uint64_t)head->e_shoff, (uint64_t)head->e_shnum * head->e_shentsize, &end) || end > len)
        return false;
    for (unsigned i = 0; i < head->e_phnum; ++i) {
        ElfW(Phdr) part;
        uint64_t at;
        if (__builtin_add_overflow((uint64_t)head->e_phoff, (uint64_t)i * sizeof part, &at) || at > len ||
            pread(file, &part, sizeof part, (off_t)at) != (ssize_t)sizeof part ||
            __builtin_add_overflow((uint64_t)part.p_offset, (uint64_t)part.p_filesz, &end) || end > len)
            return false;
    }
    return true;
}

const char *library_file_fault(int file)
{
    struct stat info;
    ElfW(Ehdr) head;
    ElfW(Half) machine;
    if (fstat(file, &info) < 0 || !S_ISREG(info.st_mode))
        return "it is not a regular file";
    if (info.st_size == 0)
        return "it is empty";
    if (pread(file, &head, sizeof head, 0) != (ssize_t)sizeof head || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return "it is not a library (not an ELF file)";
    if (head.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        (own_machine(&machine) && head.e_machine != machine))
        return "it was built for another kind of machine";
    if (head.e_type != ET_DYN)
        return "it is not a shared library";
    return is_whole(file, &head) ? NULL : "it is truncated";
}

bool library_file_of(const void *address, char path[PATH_MAX])
{
    Dl_info where;
    return dladdr(address, &where) && where.dli_fname && realpath(where.dli_fname, path);
}

void *library_next(const char *function)
{
    return dlsym(RTLD_NEXT, function);
}
