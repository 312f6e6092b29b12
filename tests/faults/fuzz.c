/* libFuzzer harness of everything that reads a stranger's bytes. FUZZ names one reader of the table at the end: any
 * bytes give its result or an error, within a second and 256 MB. `make fuzz` builds it and runs each reader on its
 * corpus. */
#define _GNU_SOURCE /* memfd_create */
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cache.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "config/tree.h"
#include "data/panel/panel_csv.h"
#include "device/tuning.h"
#include "format/archive_reader.h"
#include "format/date.h"
#include "format/exif.h"
#include "format/idx.h"
#include "format/image.h"
#include "format/image_kind.h"
#include "format/npy.h"
#include "format/onnx.h"
#include "format/safetensors.h"
#include "format/wav.h"

enum { MOST_PIXELS = 1 << 20, MOST_BYTES = 1 << 20 };

/* A claim that the reader breaks is a crash. */
static void claim(bool kept)
{
    if (!kept)
        abort();
}

/* A tree is written and read back unchanged. */
static void read_config(const uint8_t *data, size_t size)
{
    struct arena arena CLEANUP(arena_release) = {0};
    struct text text CLEANUP(text_release) = {0}, twice CLEANUP(text_release) = {0};
    struct error err = {0};
    struct value *root, *again;
    if (tree_parse_text("fuzz", (const char *)data, size, &arena, &root, &err) != DAE_OK ||
        tree_write(root, &text, &err) != DAE_OK) /* outgrown: escapes may make it larger than the budget */
        return;
    claim(tree_parse_text("again", text.data, text.len, &arena, &again, &err) == DAE_OK);
    claim(tree_write(again, &twice, &err) == DAE_OK);
    claim(text.len == twice.len && memcmp(text.data, twice.data, text.len) == 0);
}

/* Pixels in a kind that stores whole numbers are between 0 and 1. */
static void read_image(const uint8_t *data, size_t size)
{
    struct image image = {0};
    struct error err = {0};
    if (image_decode("fuzz", data, size, MOST_PIXELS, &image, &err) == DAE_OK) {
        const int64_t n = image.pages * image.height * image.width;
        claim(n >= 1 && n <= MOST_PIXELS && (image.channels == 1 || image.channels == 3));
        for (int64_t i = 0; image.largest > 0 && i < n * image.channels; ++i)
            claim(image.pixels[i] >= 0 && image.pixels[i] <= 1);
        image_release(&image);
    }
}

/* Without a seal, whose hash would refuse all damage. Every tensor lies within the file. */
static void read_safetensors(const uint8_t *data, size_t size)
{
    struct safetensors file;
    struct error err = {0};
    if (safetensors_read("fuzz", data, size, ST_FOREIGN_OK, &file, &err) != DAE_OK)
        return;
    size_t bytes = 0;
    for (size_t i = 0; i < file.n_tensors; ++i)
        bytes += safetensors_bytes(&file.tensors[i]);
    claim(bytes <= size);
    safetensors_close(&file);
}

/* Nodes read what comes before them, and every number that a tensor has can be read. */
static void read_onnx(const uint8_t *data, size_t size)
{
    struct onnx_model model;
    struct error err = {0};
    volatile double sum = 0;
    if (onnx_read("fuzz", data, size, &model, &err) != DAE_OK)
        return;
    for (int i = 0; i < model.n_tensors; ++i) {
        const struct onnx_tensor *tensor = &model.tensor[i];
        const int64_t len = onnx_tensor_len(tensor);
        claim(tensor->value >= 0 && tensor->value < model.n_values && len >= 0 && (size_t)len <= size);
        for (int64_t j = 0; j < len; ++j)
            sum += tensor->type == ONNX_FLOAT ? (double)((const float *)tensor->data)[j]
                                              : (double)((const int64_t *)tensor->data)[j];
    }
    for (int i = 0; i < model.n_nodes; ++i) {
        const struct onnx_node *node = &model.node[i];
        claim(node->output >= 0 && node->output < model.n_values);
        for (int j = 0; j < node->n_inputs; ++j)
            claim(node->input[j] == DAE_ONNX_NONE || (node->input[j] >= 0 && node->input[j] < node->output));
    }
    onnx_release(&model);
}

static void read_exif(const uint8_t *data, size_t size)
{
    unsigned char *exif = malloc(size + 1);
    claim(exif);
    memcpy(exif, data, size);
    const int orientation = exif_orientation(exif, size);
    claim(orientation >= 1 && orientation <= 8);
    exif_reset_orientation(exif, size);
    claim(exif_orientation(exif, size) == 1);
    free(exif);
}

/* A date is written and read back unchanged. */
static void read_date(const uint8_t *data, size_t size)
{
    struct date date, again;
    char text[256] = "", written[DATE_TEXT_BYTES];
    memcpy(text, data, size < sizeof text ? size : sizeof text - 1);
    int64_t first, last;
    if (date_parse_days(text, &first, &last))
        claim(first <= last);
    if (date_parse(text, &date))
        claim(date_parse(date_text(date, written), &again) && date_compare(date, again) == 0);
}

/* The file of a memo: what comes out of it was sealed. DAE_CL_CACHE_DIR is a folder for this process alone. */
static void read_memo(const uint8_t *data, size_t size)
{
    static char path[4096];
    struct error err = {0};
    char problem[512], folder[2048];
    if (path[0] == '\0') {
        glob_t found = {0};
        claim(cache_write("fuzz", "key", cJSON_CreateTrue(), &err) == DAE_OK &&
              cache_folder(folder, sizeof folder, &err) == DAE_OK);
        snprintf(path, sizeof path, "%s/fuzz-*.json", folder);
        claim(glob(path, 0, NULL, &found) == 0 && found.gl_pathc == 1);
        snprintf(path, sizeof path, "%s", found.gl_pathv[0]);
        globfree(&found);
    }
    FILE *file = fopen(path, "wb");
    claim(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    cJSON *value = cache_read("fuzz", "key", problem, sizeof problem);
    claim(value || problem[0]);
    cJSON_Delete(value);
}

/* A sealed memo with any value, where the tuning of a device is kept. */
static void read_tuning(const uint8_t *data, size_t size)
{
    static const struct platform_device device = {.platform = "p",
                                                  .type = DEVICE_CPU,
                                                  .compute_units = 2,
                                                  .vector_floats = 8,
                                                  .max_work_group = 256,
                                                  .usable = true};
    static const struct tuning_request automatic = {0};
    struct error err = {0};
    struct tuning tuning;
    char identity[PROPERTIES_LINE], key[PROPERTIES_LINE + 8], problem[512];
    cJSON *value = cJSON_ParseWithLength((const char *)data, size);
    if (!value)
        return;
    properties_identity(&device, identity);
    snprintf(key, sizeof key, "%s, wide", identity);
    if (cache_write("tuning", key, value, &err) != DAE_OK)
        return; /* cJSON reads more than it prints */
    claim(tuning_choose(&device, &automatic, &tuning, &err) == DAE_OK);
    tuning_recall(&device, &tuning, problem, sizeof problem);
    claim(tuning_is_sound(&tuning));
}

/* ---- Readers of files. ------------------------------------------------------------------------------------------- */

static void read_idx(const char *path)
{
    struct idx array;
    struct error err = {0};
    if (idx_load(path, &array, &err) == DAE_OK)
        idx_release(&array);
}

static void read_npy(const char *path)
{
    struct npy array;
    struct error err = {0};
    if (npy_load(path, &array, &err) == DAE_OK)
        npy_release(&array);
}

static void read_table(const char *path)
{
    struct panel panel;
    struct error err = {0};
    if (panel_csv_load(&panel, path, PANEL_NONE, NULL, NULL, &err) != DAE_OK)
        return;
    claim(panel.cells.n >= 1 && panel.cells.d >= 1);
    panel_release(&panel);
}

static void read_archive(const char *path)
{
    struct archive_reader reader = {0};
    struct error err = {0};
    bool found = true;
    enum dae_status status = archive_reader_open(&reader, path, &err);
    while (status == DAE_OK && found) {
        status = archive_reader_next(&reader, &found, &err);
        if (status == DAE_OK && found)
            status = archive_reader_take(&reader, MOST_BYTES, &err);
        claim(status != DAE_OK || reader.bytes.len <= MOST_BYTES);
    }
    archive_reader_close(&reader);
}

/* What it says of a file is there to be read. */
static void read_wav(const char *path)
{
    struct wav wav;
    struct error err = {0};
    float values[1024];
    if (wav_open(path, &wav, &err) != DAE_OK)
        return;
    const int64_t piece = (int64_t)(sizeof values / sizeof *values) / wav.form.channels;
    enum dae_status status = DAE_OK;
    for (int64_t i = 0; i < wav.form.n && status == DAE_OK; i += piece)
        status = wav_read(&wav, i, wav.form.n - i < piece ? wav.form.n - i : piece, values, &err);
    claim(status == DAE_OK || status == DAE_BAD_DATA);
    wav_close(&wav);
}

/* ---- The table. -------------------------------------------------------------------------------------------------- */

static const struct reader {
    const char *name;
    void (*bytes)(const uint8_t *data, size_t size);
    void (*file)(const char *path);
} readers[] = {
    {"config", read_config, NULL}, {"image", read_image, NULL},   {"safetensors", read_safetensors, NULL},
    {"exif", read_exif, NULL},     {"date", read_date, NULL},     {"idx", NULL, read_idx},
    {"npy", NULL, read_npy},       {"table", NULL, read_table},   {"archive", NULL, read_archive},
    {"memo", read_memo, NULL},     {"tuning", read_tuning, NULL}, {"onnx", read_onnx, NULL},
    {"wav", NULL, read_wav},
};

static const struct reader *chosen(void)
{
    const char *name = getenv("FUZZ");
    for (size_t i = 0; name && i < sizeof readers / sizeof *readers; ++i)
        if (strcmp(readers[i].name, name) == 0)
            return &readers[i];
    fprintf(stderr, "FUZZ must name a reader of tests/faults/fuzz.c\n");
    exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct reader *reader;
    if (!reader)
        reader = chosen();
    if (reader->bytes) {
        reader->bytes(data, size);
        return 0;
    }
    char path[64];
    const int file = memfd_create("fuzz", 0);
    claim(file >= 0 && write(file, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    reader->file(path);
    close(file);
    return 0;
}
