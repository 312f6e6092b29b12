#include "model/whole_images.h"

#include <stdlib.h>

#include "base/shape.h"
#include "data/image_pool.h"
#include "graph/reference.h"
#include "stats/metrics.h"

struct picture {
    int64_t height, width, len;
    float *clean, *noisy, *denoised; /* (len) */
};

/* Runs only the corruptions, in double, because the layers' arrays would be too large. Those of pairs begin with the
 * partner, which is in p->noisy. */
static enum dae_status corrupt(const struct tiler_options *options, int64_t number, int64_t channels, struct picture *p,
                               struct arena *arena, struct error *err)
{
    struct network network;
    TRY(tiler_noise(options->registry, options->config, (const int64_t[]){1, p->height, p->width}, channels, arena,
                    &network, err));
    const struct reference_sample sample = {.split = PHILOX_HELD_OUT, .id = (uint32_t)number};
    double **value = arena_array(arena, (size_t)network.n_nodes + 1, sizeof *value);
    for (int i = 0; value && i <= network.noisy; ++i)
        if (!(value[i] = arena_array(arena, (size_t)p->len, sizeof **value)))
            value = NULL;
    if (!value)
        return error_no_memory(err, "noisy image", (unsigned long long)p->len * sizeof **value);
    const int first = network.pairs ? 1 : 0;
    for (int64_t i = 0; i < p->len; ++i)
        value[first][i] = (double)p->noisy[i];
    for (int i = first + 1; i <= network.noisy; ++i)
        reference_node(&network, i, &sample, NULL, value, value[i]);
    for (int64_t i = 0; i < p->len; ++i)
        p->noisy[i] = (float)value[network.noisy][i];
    return DAE_OK;
}

static enum dae_status measure(const struct tiler_options *options, struct tiler *tiler, const struct dataset *test,
                               int64_t i, struct whole_images *out, struct error *err)
{
    const int64_t channels = test->shape.dim[2];
    struct picture p;
    struct arena arena CLEANUP(arena_release) = {0};
    const void *clean = image_pool_image(test->values, i, &p.height, &p.width);
    const void *partner = image_pool_noisy(test->values, i);
    p.len = p.height * p.width * channels;
    float *memory CLEANUP(cleanup_free) = malloc((size_t)p.len * 3 * sizeof *memory);
    if (!memory)
        return error_no_memory(err, "test image", (unsigned long long)p.len * 3 * sizeof *memory);
    p.clean = memory;
    p.noisy = memory + p.len;
    p.denoised = memory + 2 * p.len;
    image_pool_numbers(test->values, clean, p.len, p.clean);
    image_pool_numbers(test->values, partner ? partner : clean, p.len, p.noisy);
    TRY(corrupt(options, i, channels, &p, &arena, err));
    TRY(tiler_run(tiler, p.noisy, (const int64_t[]){1, p.height, p.width}, p.denoised, err));
    metrics_clamp(p.denoised, (size_t)p.len, 0, 1);
    return picture_scores_add(&out->scores, i, p.height, p.width, p.clean, p.noisy, p.denoised, err);
}

/* One square is shown of each shown image. */
static int64_t crop_side(const struct dataset *test)
{
    int64_t side = PICTURE_CROP, height, width;
    for (int64_t i = 0; i < image_pool_images(test->values) && i < PICTURE_SHOWN; ++i) {
        image_pool_image(test->values, i, &height, &width);
        side = shape_min(side, shape_min(height, width));
    }
    return side;
}

enum dae_status whole_images_run(const struct tiler_options *options, const struct dataset *test,
                                 struct whole_images *out, struct error *err)
{
    struct tiler *tiler CLEANUP(tiler_free_cleanup) = NULL;
    const int64_t n = image_pool_images(test->values);
    *out = (struct whole_images){.n = n, .names = test->image_names};
    TRY(picture_scores_begin(&out->scores, n, crop_side(test), test->shape.dim[2], err));
    TRY(tiler_new(options, &tiler, err));
    for (int64_t i = 0; i < n; ++i)
        TRY(measure(options, tiler, test, i, out, err));
    picture_scores_end(&out->scores);
    return DAE_OK;
}

void whole_images_release(struct whole_images *images)
{
    picture_scores_release(&images->scores);
    *images = (struct whole_images){0};
}
