/* How an OpenCL that is played answers a question of the clGet...Info kind. */
#ifndef TESTS_DEVICE_ANSWER_H
#define TESTS_DEVICE_ANSWER_H

#include <CL/cl.h>
#include <string.h>

static inline cl_int answer(const void *value, size_t bytes, size_t len, void *to, size_t *needed)
{
    if (needed)
        *needed = bytes;
    if (to && len < bytes)
        return CL_INVALID_VALUE;
    if (to)
        memcpy(to, value, bytes);
    return CL_SUCCESS;
}

#endif
