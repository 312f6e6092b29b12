/* corruptions PLUGINS STEM: the same generated digit under each corruption, as the real kernels leave it on the default
 * device, into STEM.png and STEM.svg. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "config/tree.h"
#include "data/digits.h"
#include "driver/driver.h"
#include "graph/build.h"
#include "graph/executor.h"
#include "report/figure.h"

enum { SAMPLES = 10, SHOWN = 7 /* a digit whose strokes show what happens to them */ };

static const struct {
    const char *note, *corruption;
} tiles[] = {
    {"clean", NULL},
    {"gaussian 0.3", "{gaussian: {sigma: 0.3, clamp: [0, 1]}}"},
    {"uniform 0.5", "{uniform: {amplitude: 0.5, clamp: [0, 1]}}"},
    {"speckle 0.5", "{speckle: {sigma: 0.5, clamp: [0, 1]}}"},
    {"poisson 3", "{poisson: {peak: 3, clamp: [0, 1]}}"},
    {"blur 1.5", "{blur: {sigma: 1.5, size: 9}}"},
    {"salt_pepper 0.2", "{salt_pepper: {p: 0.2}}"},
    {"masking 0.5", "{masking: {p: 0.5}}"},
    {"block 8, 2", "{block: {size: 8, count: 2, fill: 0.5}}"},
    {"swap 0.5", "{swap: {p: 0.5}}"},
    {"blur, gaussian", "[blur, {gaussian: {sigma: 0.3, clamp: [0, 1]}}]"},
    {"block, salt_pepper", "[{block: {fill: 0.5}}, salt_pepper]"},
};
enum { N_TILES = sizeof tiles / sizeof tiles[0], N_COLUMNS = 6, N_ROWS = N_TILES / N_COLUMNS };

struct picture {
    struct registry *registry;
    struct device *device;
    struct buffer *data, *order;
};

static enum dae_status open_all(struct picture *p, const char *plugins, struct error *err)
{
    uint8_t images[SAMPLES * DIGITS_PIXELS], labels[SAMPLES];
    int32_t order[SAMPLES];
    for (int i = 0; i < SAMPLES; ++i)
        order[i] = i;
    digits_render(1, 0, SAMPLES, images, labels);
    TRY(registry_open(&plugins, 1, &p->registry, err));
    TRY(driver_open(NULL, &(struct tuning_request){0}, &p->device, err));
    TRY(buffer_new(p->device, sizeof images, "digits", &p->data, err));
    TRY(buffer_new(p->device, sizeof order, "order", &p->order, err));
    TRY(buffer_write(p->data, 0, images, sizeof images, err));
    return buffer_write(p->order, 0, order, sizeof order, err);
}

static enum dae_status corrupt(const struct picture *p, const struct network *network, float *image, struct error *err)
{
    const struct executor_options options = {
        .batch = 1, .bytes = true, .evaluate = true, .corrupt = true, .join = true, .fold = true};
    const struct batch batch = {.data = p->data, .order = p->order, .first = SHOWN, .n = 1, .rows = SAMPLES};
    struct executor *executor;
    TRY(executor_new(p->device, network, &options, &executor, err));
    enum dae_status status = executor_forward(executor, SCHEDULE_EVALUATE, &batch, err);
    if (status == DAE_OK)
        status = executor_read(executor, SCHEDULE_EVALUATE, network->noisy, 1, image, err);
    executor_free(executor);
    return status;
}

static enum dae_status draw_tile(const struct picture *p, int tile, float *image, struct error *err)
{
    struct arena arena = {0};
    struct value *config;
    struct network network;
    char text[1024];
    snprintf(text, sizeof text,
             "%s%s\nmodel: {input: [28, 28, 1], layers: [{conv2d: {filters: 1, kernel: 1}}]}\ntrain: {loss: mse}\n",
             tiles[tile].corruption ? "corruption: " : "", tiles[tile].corruption ? tiles[tile].corruption : "");
    enum dae_status status = tree_parse_text(tiles[tile].note, text, strlen(text), &arena, &config, err);
    if (status == DAE_OK)
        status = network_build(p->registry, config, &arena, false, &network, err);
    if (status == DAE_OK)
        status = corrupt(p, &network, image, err);
    arena_release(&arena);
    return status;
}

static enum dae_status draw(const struct picture *p, const char *stem, struct error *err)
{
    static float images[N_TILES][DIGITS_PIXELS];
    struct figure_tile_row rows[N_ROWS];
    const char *notes[N_TILES];
    for (int i = 0; i < N_TILES; ++i) {
        TRY(draw_tile(p, i, images[i], err));
        notes[i] = tiles[i].note;
    }
    for (int r = 0; r < N_ROWS; ++r)
        rows[r] = (struct figure_tile_row){NULL, images[r * N_COLUMNS], notes + r * N_COLUMNS};
    const struct figure_tiles figure = {.n_rows = N_ROWS,
                                        .n_columns = N_COLUMNS,
                                        .height = DIGITS_SIDE,
                                        .width = DIGITS_SIDE,
                                        .channels = 1,
                                        .rows = rows};
    return figure_draw_tiles(stem, &figure, err);
}

int main(int argc, char **argv)
{
    struct picture picture = {0};
    struct error err = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: corruptions PLUGINS STEM\n");
        return 2;
    }
    enum dae_status status = open_all(&picture, argv[1], &err);
    if (status == DAE_OK)
        status = draw(&picture, argv[2], &err);
    if (status != DAE_OK)
        fprintf(stderr, "%s\n", err.text);
    buffer_free(picture.data);
    buffer_free(picture.order);
    device_close(picture.device);
    registry_close(picture.registry);
    return status != DAE_OK;
}
