#include "stats/linear_probe.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "stats/affine.h"

static const double ridge = 1e-3;

/* Room to copy one fold's samples together, so that the fit and its answers are products of matrices. */
struct room {
    float *features; /* (n,d) */
    float *classes;  /* (n,n_classes): one-hot, or answers */
    int64_t *sample; /* (n): their numbers */
    bool *right;     /* (n) */
    int n_classes;
};

/* Copies the samples of that fold, or those of the others, to the front of the room. Returns how many. */
static size_t collect(const struct cross_validation *t, const struct room *room, const float *features, int fold,
                      bool others)
{
    size_t n = 0, d = (size_t)t->d;
    for (int64_t i = 0; i < t->n; ++i)
        if ((t->fold[i] == fold) != others) {
            memcpy(room->features + n * d, features + (size_t)i * d, d * sizeof *features);
            room->sample[n++] = i;
        }
    return n;
}

static enum dae_status try_fold(const struct cross_validation *t, const struct room *room, int fold, struct error *err)
{
    const size_t n_classes = (size_t)room->n_classes;
    struct affine map;
    TRY(affine_init(&map, (size_t)t->d, n_classes, err));
    size_t n = collect(t, room, t->given, fold, true);
    memset(room->classes, 0, n * n_classes * sizeof *room->classes);
    for (size_t i = 0; i < n; ++i)
        room->classes[i * n_classes + t->label[room->sample[i]]] = 1;
    affine_add(&map, room->features, room->classes, n);
    enum dae_status status = affine_solve(&map, ridge, err);
    if (status == DAE_OK) {
        n = collect(t, room, t->asked, fold, false);
        affine_apply(&map, room->features, room->classes, n);
    }
    for (size_t i = 0; i < n && status == DAE_OK; ++i) {
        const float *answer = room->classes + i * n_classes;
        int best = 0;
        for (int class = 1; class < room->n_classes; ++class)
            if (answer[class] > answer[best])
                best = class;
        room->right[room->sample[i]] = best == t->label[room->sample[i]];
    }
    affine_release(&map);
    return status;
}

enum dae_status linear_probe_accuracy(const struct cross_validation *trial, double *accuracy, struct error *err)
{
    TRY(cross_validation_check(trial, "linear probe", err));
    struct room room = {.n_classes = 1};
    for (int64_t i = 0; i < trial->n; ++i)
        room.n_classes = trial->label[i] >= room.n_classes ? trial->label[i] + 1 : room.n_classes;
    const size_t n = (size_t)trial->n;
    room.features = calloc(n * (size_t)trial->d, sizeof *room.features);
    room.classes = calloc(n * (size_t)room.n_classes, sizeof *room.classes);
    room.sample = calloc(n, sizeof *room.sample);
    room.right = calloc(n, sizeof *room.right);
    enum dae_status status = DAE_OK;
    if (!room.features || !room.classes || !room.sample || !room.right)
        status = error_no_memory(err, "linear probe", n * ((size_t)trial->d + (size_t)room.n_classes) * sizeof(float));
    for (int fold = 0; fold < trial->n_folds && status == DAE_OK; ++fold)
        status = try_fold(trial, &room, fold, err);
    if (status == DAE_OK)
        *accuracy = cross_validation_accuracy(trial, room.right);
    free(room.features);
    free(room.classes);
    free(room.sample);
    free(room.right);
    return status;
}
