/* MNIST from a data folder. */
#include <stdio.h>

#include "data/array_samples.h"
#include "data/data_folder.h"
#include "data/source.h"

struct options {
    struct source_common common;
    const char *fallback; /* NULL: none */
};

static const struct dae_row rows[] = {
    ROW_OF(struct options, fallback, ROW_WORD, "", "digits",
           "what to train on if no data folder contains MNIST; if not given, that is an error"),
    {.key = NULL},
};

static enum dae_status load_found(const struct options *o, const char *const paths[MNIST_FILES], struct dataset *train,
                                  struct dataset *test, struct error *err)
{
    enum dae_status status =
        array_samples_idx(paths[MNIST_TRAIN_IMAGES], paths[MNIST_TRAIN_LABELS], o->common.limit, train, err);
    if (status == DAE_OK)
        status = array_samples_idx(paths[MNIST_TEST_IMAGES], paths[MNIST_TEST_LABELS], o->common.test_limit, test, err);
    if (status == DAE_BAD_DATA)
        error_note(err, "the fallback does not replace a damaged MNIST; run make mnist");
    return status;
}

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct options *o = options;
    struct arena arena = {0};
    struct text searched = {0};
    const char *paths[MNIST_FILES] = {NULL};
    enum dae_status status = data_folder_mnist(o->common.data_root, &arena, paths, &searched, err);
    if (status == DAE_OK && paths[0]) {
        status = load_found(o, paths, train, test, err);
    } else if (status == DAE_OK && !o->fallback) {
        status = error_at(err, DAE_BAD_DATA, o->common.mark,
                          "no MNIST in %s; run make mnist, or add fallback: digits to the data section", searched.data);
    } else if (status == DAE_OK) {
        snprintf(notice->text, sizeof notice->text,
                 "no MNIST in %s; training on generated digits instead (fallback: digits)", searched.data);
        status = source_stand_in(&source_digits, o, sizeof o->common, train, test, notice, err);
    }
    text_release(&searched);
    arena_release(&arena);
    return status;
}

const struct source source_mnist = {
    .name = "mnist",
    .help = "handwritten digits, 28x28 grey (LeCun, Cortes and Burges); make mnist fetches them",
    .rows = rows,
    .options_bytes = sizeof(struct options),
    .flags = SOURCE_BYTES,
    .load = load,
};
