/* How often a second one sample goes through a network, from the caller's memory and back, by the library.
 *
 *   latency MODEL SECONDS SIDE...     SIDE...: a sample's shape, channels last
 *
 * Prints {"rate": samples per second}, after as many seconds to warm up. $DAE_CL_PLATFORM chooses the device. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dae/dae.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Calls the model for this many seconds. Returns calls per second, or a negative number if a call fails. */
static double rate(struct dae_model *model, const struct dae_image *in, const struct dae_image *out, double seconds)
{
    const double begin = now();
    long calls = 0;
    for (; now() - begin < seconds; ++calls)
        if (dae_denoise(model, in, out) != DAE_OK)
            return -1;
    return (double)calls / (now() - begin);
}

int main(int argc, char **argv)
{
    struct dae_context *context = NULL;
    struct dae_model *model = NULL;
    struct dae_image in = {.size = sizeof in, .bytes = sizeof(float), .element = DAE_F32, .rank = 1, .shape = {1}};
    if (argc < 4 || argc - 3 >= DAE_IMAGE_RANK) {
        fprintf(stderr, "usage: latency MODEL SECONDS SIDE...\n");
        return DAE_CONFIG;
    }
    for (int i = 3; i < argc; ++i) {
        in.shape[in.rank++] = atol(argv[i]);
        in.bytes *= (size_t)atol(argv[i]);
    }
    struct dae_image out = in;
    in.data = calloc(1, in.bytes);
    out.data = calloc(1, out.bytes);
    double found = -1;
    enum dae_status status = in.data && out.data ? dae_open(NULL, &context) : DAE_NO_MEMORY;
    if (status == DAE_OK && (status = dae_model_load(context, argv[1], &model)) == DAE_OK &&
        rate(model, &in, &out, atof(argv[2])) >= 0)
        found = rate(model, &in, &out, atof(argv[2]));
    if (found >= 0)
        printf("{\"rate\": %.6g}\n", found);
    else
        fprintf(stderr, "latency: %s\n", dae_error(context));
    dae_model_close(model);
    dae_close(context);
    free(in.data);
    free(out.data);
    return found >= 0 ? DAE_OK : status != DAE_OK ? (int)status : DAE_BUG;
}
