/* Makes one call fail: preloaded, it stands before the functions by which dae-cl asks the machine for something
 * (memory, files, processes, JSON, YAML, LAPACK, OpenCL) and counts the calls that come from dae-cl's own code. Calls
 * of other libraries pass. Built and used by tests/faults/faults.py.
 *
 * FAIL_CALL=name:k     the k-th call of `name` fails (k from 1), as it does when the machine has no more of it
 * FAIL_CALL=name:k+    and every later one
 * FAIL_COUNTS=file     at the end one line is appended for each place that called: name, object, offset, first k, last
 * k
 *
 * The stand-ins have one signature for all functions. The calling conventions of x86-64 and AArch64 pass integers and
 * pointers in registers of their own, in order, floating-point numbers in others, and let a caller pass more than the
 * function reads, so a stand-in can pass on nine integers and three doubles whatever the function takes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>

#if !defined __x86_64__ && !defined __aarch64__
#error "the stand-ins know the calling conventions of x86-64 and AArch64 only"
#endif

/* errno's header and the headers of what is replaced declare other signatures. */
enum {
    NO_ENTRY = 2,
    IO_ERROR = 5,
    AGAIN = 11,
    NO_MEMORY = 12,
    NO_ACCESS = 13,
    MANY_FILES = 24,
    NO_SPACE = 28,
    NO_LOCK = 37
};
int *__errno_location(void);
char *getenv(const char *name);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, unsigned long n);
char *strstr(const char *text, const char *part);
unsigned long strlen(const char *text);
unsigned long strtoul(const char *text, char **end, int base);
int dprintf(int file, const char *format, ...);
long syscall(long number, ...);

typedef long call(long a, long b, long c, long d, long e, long f, long g, long h, long i, double x, double y, double z);

/* What a failed call does: returns `value` with errno `code`; ACT also makes the real call (a file that cannot be
 * closed properly is closed all the same); STREAM also sets the error flag of the stream in that argument, as a failed
 * call of stdio does; STATUS writes `code` through that argument, as clCreate... do. */
enum kind { PLAIN, ACT, STREAM_1, STREAM_2, STREAM_4, STATUS_3, STATUS_4, STATUS_5, STATUS_6 };

#define FUNCTIONS(X)                                                                                                   \
    X(malloc, PLAIN, 0, NO_MEMORY)                                                                                     \
    X(calloc, PLAIN, 0, NO_MEMORY)                                                                                     \
    X(realloc, PLAIN, 0, NO_MEMORY)                                                                                    \
    X(aligned_alloc, PLAIN, 0, NO_MEMORY)                                                                              \
    X(strdup, PLAIN, 0, NO_MEMORY)                                                                                     \
    X(realpath, PLAIN, 0, NO_MEMORY)                                                                                   \
    X(mmap, PLAIN, -1, NO_MEMORY)                                                                                      \
    X(open, PLAIN, -1, MANY_FILES)                                                                                     \
    X(fopen, PLAIN, 0, MANY_FILES)                                                                                     \
    X(opendir, PLAIN, 0, MANY_FILES)                                                                                   \
    X(scandir, PLAIN, -1, NO_MEMORY)                                                                                   \
    X(nftw, PLAIN, -1, NO_MEMORY)                                                                                      \
    X(memfd_create, PLAIN, -1, MANY_FILES)                                                                             \
    X(mkstemp, PLAIN, -1, NO_SPACE)                                                                                    \
    X(mkdtemp, PLAIN, 0, NO_SPACE)                                                                                     \
    X(mkdir, PLAIN, -1, NO_SPACE)                                                                                      \
    X(read, PLAIN, -1, IO_ERROR)                                                                                       \
    X(pread, PLAIN, -1, IO_ERROR)                                                                                      \
    X(write, PLAIN, -1, NO_SPACE)                                                                                      \
    X(fwrite, STREAM_4, 0, NO_SPACE)                                                                                   \
    X(fputs, STREAM_2, -1, NO_SPACE)                                                                                   \
    X(fputc, STREAM_2, -1, NO_SPACE)                                                                                   \
    X(fflush, STREAM_1, -1, NO_SPACE)                                                                                  \
    X(fclose, ACT, -1, NO_SPACE)                                                                                       \
    X(close, ACT, -1, IO_ERROR)                                                                                        \
    X(fsync, PLAIN, -1, IO_ERROR)                                                                                      \
    X(ftruncate, PLAIN, -1, NO_SPACE)                                                                                  \
    X(lseek, PLAIN, -1, IO_ERROR)                                                                                      \
    X(flock, PLAIN, -1, NO_LOCK)                                                                                       \
    X(rename, PLAIN, -1, NO_ACCESS)                                                                                    \
    X(unlink, PLAIN, -1, NO_ACCESS)                                                                                    \
    X(remove, PLAIN, -1, NO_ACCESS)                                                                                    \
    X(rmdir, PLAIN, -1, NO_ACCESS)                                                                                     \
    X(stat, PLAIN, -1, NO_ACCESS)                                                                                      \
    X(lstat, PLAIN, -1, NO_ACCESS)                                                                                     \
    X(fstat, PLAIN, -1, IO_ERROR)                                                                                      \
    X(fstatat, PLAIN, -1, NO_ACCESS)                                                                                   \
    X(statvfs, PLAIN, -1, IO_ERROR)                                                                                    \
    X(access, PLAIN, -1, NO_ACCESS)                                                                                    \
    X(readlink, PLAIN, -1, NO_ACCESS)                                                                                  \
    X(dup, PLAIN, -1, MANY_FILES)                                                                                      \
    X(dup2, PLAIN, -1, MANY_FILES)                                                                                     \
    X(fork, PLAIN, -1, AGAIN)                                                                                          \
    X(posix_spawnp, PLAIN, AGAIN, AGAIN)                                                                               \
    X(poll, PLAIN, -1, NO_MEMORY)                                                                                      \
    X(setrlimit, PLAIN, -1, NO_ACCESS)                                                                                 \
    X(clock_getcpuclockid, PLAIN, NO_ENTRY, NO_ENTRY)                                                                  \
    X(inflateInit2_, PLAIN, -4, NO_MEMORY)                                                                             \
    X(png_create_read_struct_2, PLAIN, 0, NO_MEMORY)                                                                   \
    X(png_create_write_struct_2, PLAIN, 0, NO_MEMORY)                                                                  \
    X(png_create_info_struct, PLAIN, 0, NO_MEMORY)                                                                     \
    X(yaml_parser_initialize, PLAIN, 0, NO_MEMORY)                                                                     \
    X(yaml_emitter_initialize, PLAIN, 0, NO_MEMORY)                                                                    \
    X(yaml_emitter_emit, PLAIN, 0, NO_MEMORY)                                                                          \
    X(yaml_scalar_event_initialize, PLAIN, 0, NO_MEMORY)                                                               \
    X(yaml_mapping_start_event_initialize, PLAIN, 0, NO_MEMORY)                                                        \
    X(LAPACKE_dgesdd, PLAIN, -1010, NO_MEMORY)                                                                         \
    X(LAPACKE_dposv, PLAIN, -1010, NO_MEMORY)                                                                          \
    X(LAPACKE_dpotrf, PLAIN, -1010, NO_MEMORY)                                                                         \
    X(LAPACKE_dpotrs, PLAIN, -1010, NO_MEMORY)                                                                         \
    X(LAPACKE_dsyevd, PLAIN, -1010, NO_MEMORY)                                                                         \
    X(LAPACKE_dsyevr, PLAIN, -1010, NO_MEMORY)                                                                         \
    X(CLBlastSgemm, PLAIN, -2046, NO_MEMORY)                                                                           \
    X(clGetPlatformIDs, PLAIN, -6, NO_MEMORY)                                                                          \
    X(clGetPlatformInfo, PLAIN, -6, NO_MEMORY)                                                                         \
    X(clGetDeviceIDs, PLAIN, -6, NO_MEMORY)                                                                            \
    X(clGetDeviceInfo, PLAIN, -6, NO_MEMORY)                                                                           \
    X(clCreateContext, STATUS_6, 0, -6)                                                                                \
    X(clCreateCommandQueue, STATUS_4, 0, -6)                                                                           \
    X(clCreateBuffer, STATUS_5, 0, -4)                                                                                 \
    X(clCreateSubBuffer, STATUS_5, 0, -6)                                                                              \
    X(clCreateProgramWithSource, STATUS_5, 0, -6)                                                                      \
    X(clCreateKernel, STATUS_3, 0, -6)                                                                                 \
    X(clBuildProgram, PLAIN, -11, NO_MEMORY)                                                                           \
    X(clGetProgramInfo, PLAIN, -6, NO_MEMORY)                                                                          \
    X(clGetProgramBuildInfo, PLAIN, -6, NO_MEMORY)                                                                     \
    X(clGetKernelWorkGroupInfo, PLAIN, -6, NO_MEMORY)                                                                  \
    X(clSetKernelArg, PLAIN, -6, NO_MEMORY)                                                                            \
    X(clEnqueueNDRangeKernel, PLAIN, -5, NO_MEMORY)                                                                    \
    X(clEnqueueReadBuffer, PLAIN, -5, NO_MEMORY)                                                                       \
    X(clEnqueueWriteBuffer, PLAIN, -5, NO_MEMORY)                                                                      \
    X(clEnqueueCopyBuffer, PLAIN, -5, NO_MEMORY)                                                                       \
    X(clEnqueueFillBuffer, PLAIN, -5, NO_MEMORY)                                                                       \
    X(clFlush, PLAIN, -5, NO_MEMORY)                                                                                   \
    X(clFinish, PLAIN, -5, NO_MEMORY)                                                                                  \
    X(clWaitForEvents, PLAIN, -14, NO_MEMORY)                                                                          \
    X(clGetEventProfilingInfo, PLAIN, -7, NO_MEMORY)

/* They take any number of floating-point numbers, so they have stand-ins of their own. */
#define PRINTERS(X)                                                                                                    \
    X(asprintf, PLAIN, -1, NO_MEMORY)                                                                                  \
    X(fprintf, STREAM_1, -1, NO_SPACE)

#define NUMBER(name, kind, value, code) FUNCTION_##name,
#define NAME(name, kind, value, code) #name,
enum function { FUNCTIONS(NUMBER) PRINTERS(NUMBER) N_FUNCTIONS };
static const char *const names[] = {FUNCTIONS(NAME) PRINTERS(NAME)};

static atomic_ulong calls[N_FUNCTIONS]; /* from dae-cl's own code */
static int victim = -1;
static unsigned long victim_call;
static int for_good;

/* ---- Who calls. -------------------------------------------------------------------------------------------------- */

enum { MOST_OBJECTS = 512, MOST_PLACES = 8192 };

struct object {
    uintptr_t begin, end;
    const char *name; /* the last part of its path; NULL: not dae-cl's own */
};

struct place {
    int function;
    uintptr_t offset;
    const char *object;
    unsigned long first, last;
};

static struct object objects[MOST_OBJECTS];
static struct place places[MOST_PLACES];
static int n_objects, n_places;
static atomic_flag lock = ATOMIC_FLAG_INIT;

static int in_dae_cl; /* not in gnuplot, say, which dae-cl starts */

/* dae-cl itself and its plugins. */
static const char *own_name(const char *path)
{
    const char *name = path;
    for (const char *c = path; *c; ++c)
        if (*c == '/')
            name = c + 1;
    if (!in_dae_cl)
        return 0;
    return path[0] == '\0' ? "dae-cl" : strstr(path, "/plugins/") ? name : 0;
}

static int add_object(struct dl_phdr_info *info, size_t size, void *address)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t begin = info->dlpi_addr + part->p_vaddr;
        if (part->p_type != PT_LOAD || (uintptr_t)address < begin || (uintptr_t)address >= begin + part->p_memsz)
            continue;
        if (n_objects < MOST_OBJECTS)
            objects[n_objects++] = (struct object){begin, begin + part->p_memsz, own_name(info->dlpi_name)};
        return 1;
    }
    return 0;
}

/* Under the lock. */
static const struct object *object_of(uintptr_t address)
{
    for (int attempt = 0; attempt < 2; ++attempt) {
        for (int i = 0; i < n_objects; ++i)
            if (address >= objects[i].begin && address < objects[i].end)
                return &objects[i];
        dl_iterate_phdr(add_object, (void *)address);
    }
    return 0;
}

static void remember(int function, const struct object *object, uintptr_t offset, unsigned long k)
{
    for (int i = 0; i < n_places; ++i)
        if (places[i].function == function && places[i].offset == offset && places[i].object == object->name) {
            places[i].last = k;
            return;
        }
    if (n_places < MOST_PLACES)
        places[n_places++] = (struct place){function, offset, object->name, k, k};
}

/* Whether this call is to fail. */
static int fails(int function, void *caller)
{
    static _Thread_local int busy; /* finding out who calls may allocate */
    int ours = 0, hit = 0;
    if (busy)
        return 0;
    busy = 1;
    while (atomic_flag_test_and_set(&lock))
        ;
    const struct object *object = object_of((uintptr_t)caller);
    if (object && object->name) {
        const unsigned long k = atomic_fetch_add(&calls[function], 1) + 1;
        ours = 1;
        hit = function == victim && (k == victim_call || (for_good && k > victim_call));
        remember(function, object, (uintptr_t)caller - object->begin, k);
    }
    atomic_flag_clear(&lock);
    busy = 0;
    return ours && hit;
}

/* ---- The stand-ins. ---------------------------------------------------------------------------------------------- */

/* In glibc a stream begins with its flags. */
static void set_error_flag(int *stream) /* NULL: all of them, as for fflush */
{
    if (stream)
        *stream |= 0x20;
}

static long fail(enum kind kind, call *real, const long a[9], long value, int code)
{
    if (kind == ACT)
        real(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], 0, 0, 0);
    static const int argument[] = {[STREAM_1] = 0, 1, 3, [STATUS_3] = 2, 3, 4, 5};
    if (kind >= STATUS_3) {
        if (a[argument[kind]])
            *(int *)a[argument[kind]] = code;
        return value;
    }
    if (kind >= STREAM_1)
        set_error_flag((void *)a[argument[kind]]);
    *__errno_location() = code;
    return value;
}

#define STAND_IN(name, kind, value, code)                                                                              \
    call stand_in_##name __asm__(#name);                                                                               \
    __attribute__((visibility("default"))) long stand_in_##name(long a, long b, long c, long d, long e, long f,        \
                                                                long g, long h, long i, double x, double y, double z)  \
    {                                                                                                                  \
        static call *real;                                                                                             \
        if (!real)                                                                                                     \
            real = (call *)(uintptr_t)dlsym(RTLD_NEXT, #name);                                                         \
        if (fails(FUNCTION_##name, __builtin_return_address(0)))                                                       \
            return fail(kind, real, (const long[9]){a, b, c, d, e, f, g, h, i}, value, code);                          \
        return real(a, b, c, d, e, f, g, h, i, x, y, z);                                                               \
    }
FUNCTIONS(STAND_IN)

int print_to_file(void *file, const char *format, va_list arguments) __asm__("vfprintf");
int print_to_text(char **text, const char *format, va_list arguments) __asm__("vasprintf");

#define PRINTER(name, kind, type, print)                                                                               \
    int stand_in_##name(type *to, const char *format, ...) __asm__(#name);                                             \
    __attribute__((visibility("default"))) int stand_in_##name(type *to, const char *format, ...)                      \
    {                                                                                                                  \
        if (fails(FUNCTION_##name, __builtin_return_address(0)))                                                       \
            return (int)fail(kind, 0, (const long[9]){(long)to}, -1, NO_SPACE);                                        \
        va_list arguments;                                                                                             \
        va_start(arguments, format);                                                                                   \
        const int n = print(to, format, arguments);                                                                    \
        va_end(arguments);                                                                                             \
        return n;                                                                                                      \
    }
PRINTER(fprintf, STREAM_1, void, print_to_file)
PRINTER(asprintf, PLAIN, char *, print_to_text)

/* ---- The beginning and the end. ---------------------------------------------------------------------------------- */

__attribute__((constructor)) static void begin(void)
{
    const char *what = getenv("FAIL_CALL");
    static const char own[] = "/dae-cl";
    char path[4096] = "";
    const long length = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof path - 1);
    in_dae_cl = length >= (long)sizeof own && strcmp(path + length - (sizeof own - 1), own) == 0;
    for (int i = 0; what && i < N_FUNCTIONS; ++i) {
        const unsigned long len = strlen(names[i]);
        if (strncmp(what, names[i], len) == 0 && what[len] == ':') {
            char *end;
            victim = i;
            victim_call = strtoul(what + len + 1, &end, 10);
            for_good = *end == '+';
        }
    }
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAIL_COUNTS");
    victim = -1;
    const int file =
        path ? (int)stand_in_open((long)path, O_WRONLY | O_CREAT | O_APPEND, 0600, 0, 0, 0, 0, 0, 0, 0, 0, 0) : -1;
    for (int i = 0; file >= 0 && i < n_places; ++i)
        dprintf(file, "%s %s %lx %lu %lu\n", names[places[i].function], places[i].object,
                (unsigned long)places[i].offset, places[i].first, places[i].last);
}
