/* An OpenCL driver with one platform that goes wrong in the way that a macro names; drivers.sh builds it with
 * -Wl,-Bsymbolic: the loader has functions of the same names.
 *
 *   CRASH_LOAD, HANG_LOAD, EXIT_LOAD      in a constructor, when the library is loaded
 *   CRASH_PLATFORMS, HANG_PLATFORMS       when it is asked for its platforms
 *   NO_PLATFORM                           it says that it has none
 *   CRASH_DEVICES, EXIT_DEVICES           when the platform is asked for its devices
 *   NO_DEVICE                             there are none
 *   CRASH_QUERY                           when its one device is asked what it can do
 *   ODD                                   the device answers each question with nonsense
 *   CRASH_CONTEXT                         it looks good, and crashes when it is used
 *   GARBAGE                               it prints a lot in all of that, and has no device
 *   VANISH                                the real driver $REAL_DRIVER, but only as long as there is no file $GONE;
 *                                         it makes that file when it is first asked for its platforms
 *   PASSING                               the real driver, but as long as there is a file $FAULT it fails when it is
 *                                         loaded, as the file's first letter says: m, out of memory; k, killed;
 *                                         h, it hangs; else it crashes
 */
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CL/cl.h>
#include <CL/cl_icd.h>

struct _cl_platform_id {
    cl_icd_dispatch *dispatch;
};
struct _cl_device_id {
    cl_icd_dispatch *dispatch;
};
static cl_icd_dispatch dispatch;
static struct _cl_platform_id platform = {&dispatch};
static struct _cl_device_id device = {&dispatch};

#define UNUSED __attribute__((unused))

static UNUSED void crash(void)
{
    raise(SIGSEGV);
}

static UNUSED void hang(void)
{
    for (;;)
        sleep(1);
}

static void chatter(void)
{
#ifdef GARBAGE
    for (int i = 0; i < 20000; ++i)
        printf("\033[31mdriver: \a%d all is well\n", i);
    fflush(stdout);
    fprintf(stderr, "driver: all is well\n");
#endif
}

static cl_int answer(const void *value, size_t size, size_t len, void *out, size_t *needed)
{
    if (needed)
        *needed = size;
    if (out && len < size)
        return CL_INVALID_VALUE;
    if (out)
        memcpy(out, value, size);
    return CL_SUCCESS;
}

CL_API_ENTRY cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id id, cl_platform_info what, size_t len, void *out,
                                                  size_t *needed)
{
    (void)id;
    chatter();
    const char *text = what == CL_PLATFORM_EXTENSIONS       ? "cl_khr_icd"
                       : what == CL_PLATFORM_ICD_SUFFIX_KHR ? "TEST"
                       : what == CL_PLATFORM_VERSION        ? "OpenCL 1.2 test"
                                                            : "Test platform";
    return answer(text, strlen(text) + 1, len, out, needed);
}

static cl_int CL_API_CALL get_devices(cl_platform_id id, cl_device_type type, cl_uint n, cl_device_id *out,
                                      cl_uint *n_out)
{
    (void)id;
    (void)type;
    chatter();
#ifdef CRASH_DEVICES
    crash();
#elif defined EXIT_DEVICES
    exit(0);
#elif defined NO_DEVICE || defined GARBAGE
    (void)n;
    (void)out;
    if (n_out)
        *n_out = 0;
    return CL_DEVICE_NOT_FOUND;
#endif
    if (n_out)
        *n_out = 1;
    if (out && n)
        *out = &device;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_device_info(cl_device_id id, cl_device_info what, size_t len, void *out, size_t *needed)
{
    (void)id;
#ifdef CRASH_QUERY
    crash();
#elif defined ODD
    (void)what;
    if (needed)
        *needed = len;
    if (out)
        memset(out, 0xff, len);
    return CL_SUCCESS;
#endif
    const cl_bool yes = CL_TRUE;
    const cl_device_type type = CL_DEVICE_TYPE_GPU;
    const cl_uint units = 4;
    const cl_ulong bytes = 1 << 30;
    const size_t group = 64;
    switch (what) {
    case CL_DEVICE_TYPE:
        return answer(&type, sizeof type, len, out, needed);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
        return answer(&units, sizeof units, len, out, needed);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return answer(&group, sizeof group, len, out, needed);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return answer(&bytes, sizeof bytes, len, out, needed);
    case CL_DEVICE_AVAILABLE:
    case CL_DEVICE_COMPILER_AVAILABLE:
    case CL_DEVICE_ENDIAN_LITTLE:
        return answer(&yes, sizeof yes, len, out, needed);
    default:
        return answer("OpenCL 1.2 test", sizeof "OpenCL 1.2 test", len, out, needed);
    }
}

static cl_context CL_API_CALL create_context(const cl_context_properties *properties, cl_uint n,
                                             const cl_device_id *ids,
                                             void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *),
                                             void *data, cl_int *code)
{
    (void)properties, (void)n, (void)ids, (void)notify, (void)data;
#ifdef CRASH_CONTEXT
    crash();
#endif
    if (code)
        *code = CL_OUT_OF_HOST_MEMORY;
    return NULL;
}

#if defined VANISH || defined PASSING
typedef cl_int platforms_function(cl_uint, cl_platform_id *, cl_uint *);

static cl_int real_platforms(cl_uint n, cl_platform_id *out, cl_uint *n_out)
{
    typedef void *address_function(const char *);
    static void *library;
    if (!library)
        library = dlopen(getenv("REAL_DRIVER"), RTLD_NOW | RTLD_LOCAL);
    if (!library)
        abort();
    address_function *address = (address_function *)dlsym(library, "clGetExtensionFunctionAddress");
    return ((platforms_function *)address("clIcdGetPlatformIDsKHR"))(n, out, n_out);
}
#endif

static cl_int CL_API_CALL get_platforms(cl_uint n, cl_platform_id *out, cl_uint *n_out)
{
    chatter();
#ifdef CRASH_PLATFORMS
    crash();
#elif defined HANG_PLATFORMS
    hang();
#elif defined NO_PLATFORM
    (void)n;
    (void)out;
    if (n_out)
        *n_out = 0;
    return CL_PLATFORM_NOT_FOUND_KHR;
#elif defined PASSING
    return real_platforms(n, out, n_out);
#elif defined VANISH
    static int is_new;
    const char *gone = getenv("GONE");
    if (!is_new && access(gone, F_OK) == 0)
        return CL_PLATFORM_NOT_FOUND_KHR;
    is_new = 1;
    close(open(gone, O_CREAT | O_WRONLY, 0600));
    return real_platforms(n, out, n_out);
#endif
    if (n_out)
        *n_out = 1;
    if (out && n)
        *out = &platform;
    return CL_SUCCESS;
}

#ifdef PASSING
static void fail_for_now(void)
{
    char how = 0;
    const int file = open(getenv("FAULT"), O_RDONLY);
    if (file < 0)
        return;
    if (read(file, &how, 1) == 1 && how == 'm') {
        fprintf(stderr, "terminate called after throwing an instance of 'std::bad_alloc'\n");
        abort();
    } else if (how == 'k') {
        raise(SIGKILL);
    } else if (how == 'h') {
        hang();
    }
    crash();
}
#endif

CL_API_ENTRY void *CL_API_CALL clGetExtensionFunctionAddress(const char *name)
{
    return strcmp(name, "clIcdGetPlatformIDsKHR") == 0 ? (void *)get_platforms
           : strcmp(name, "clGetPlatformInfo") == 0    ? (void *)clGetPlatformInfo
                                                       : NULL;
}

__attribute__((constructor)) static void loaded(void)
{
    chatter();
    dispatch.clGetPlatformInfo = clGetPlatformInfo;
    dispatch.clGetDeviceIDs = get_devices;
    dispatch.clGetDeviceInfo = get_device_info;
    dispatch.clCreateContext = create_context;
    dispatch.clGetExtensionFunctionAddress = clGetExtensionFunctionAddress;
#ifdef CRASH_LOAD
    crash();
#elif defined HANG_LOAD
    hang();
#elif defined EXIT_LOAD
    exit(0);
#elif defined PASSING
    fail_for_now();
#endif
}
