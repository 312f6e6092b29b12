#include "train/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/safetensors.h"
#include "train/circumstances.h"
#include "train/settings_fingerprint.h"

#define FORMAT "dae-cl checkpoint 1"

enum dae_status checkpoint_new(const struct network *network, int n_states, bool average, bool best, uint64_t epochs,
                               uint64_t steps, struct checkpoint *c, struct error *err)
{
    const size_t len = (size_t)network->parameters_len, trained = (size_t)network->trained_len;
    *c = (struct checkpoint){0};
    c->parameters = calloc(len, sizeof(float));
    c->state = calloc(trained * (size_t)n_states + 1, sizeof(float));
    c->step_losses = calloc(steps + 1, sizeof(float));
    c->train_losses = calloc(epochs + 1, sizeof(double));
    c->test_losses = calloc(epochs + 1, sizeof(double));
    c->average = average ? calloc(len, sizeof(float)) : NULL;
    c->best = best ? calloc(len, sizeof(float)) : NULL;
    if (c->parameters && c->state && c->step_losses && c->train_losses && c->test_losses && !average == !c->average &&
        !best == !c->best)
        return DAE_OK;
    checkpoint_release(c);
    return error_no_memory(err, "checkpoint", len * sizeof(float));
}

void checkpoint_release(struct checkpoint *c)
{
    free(c->parameters);
    free(c->state);
    free(c->average);
    free(c->best);
    free(c->step_losses);
    free(c->train_losses);
    free(c->test_losses);
    *c = (struct checkpoint){0};
}

static bool are_finite(const float *numbers, size_t n)
{
    size_t i = 0;
    while (numbers && i < n && isfinite(numbers[i]))
        ++i;
    return !numbers || i == n;
}

static bool losses_are_finite(const double *losses, uint64_t n)
{
    uint64_t i = 0;
    while (i < n && isfinite(losses[i]))
        ++i;
    return i == n;
}

const char *checkpoint_bad(const struct checkpoint *c, const struct network *network, int n_states)
{
    const size_t len = (size_t)network->parameters_len;
    return !are_finite(c->parameters, len)                                          ? "parameters"
           : !are_finite(c->state, (size_t)network->trained_len * (size_t)n_states) ? "optimizer_state"
           : !are_finite(c->average, len)                                           ? "average"
           : !are_finite(c->best, len)                                              ? "best_parameters"
           : !are_finite(c->step_losses, c->step)                                   ? "step_losses"
           : !losses_are_finite(c->train_losses, c->epoch)                          ? "train_losses"
           : !losses_are_finite(c->test_losses, c->epoch)                           ? "test_losses"
                                                                                    : NULL;
}

enum dae_status checkpoint_save(const char *path, const struct checkpoint *c, const struct network *network,
                                int n_states, const char *fingerprint, const char *circumstances, struct error *err)
{
    const uint64_t len = (uint64_t)network->parameters_len, trained = (uint64_t)network->trained_len;
    const uint64_t position[2] = {c->epoch, c->step};
    struct st_tensor tensors[9] = {
        {"position", ST_U64, 1, {2}, position},
        {"parameters", ST_F32, 1, {len}, c->parameters},
        {"optimizer_state", ST_F32, 2, {(uint64_t)n_states, trained}, c->state},
        {"step_losses", ST_F32, 1, {c->step}, c->step_losses},
        {"train_losses", ST_F64, 1, {c->epoch}, c->train_losses},
        {"test_losses", ST_F64, 1, {c->epoch}, c->test_losses},
    };
    size_t n_tensors = 6;
    if (c->average)
        tensors[n_tensors++] = (struct st_tensor){"average", ST_F32, 1, {len}, c->average};
    if (c->best)
        tensors[n_tensors++] = (struct st_tensor){"best_parameters", ST_F32, 1, {len}, c->best};
    if (c->n_shares > 0)
        tensors[n_tensors++] = (struct st_tensor){"shares", ST_U64, 1, {c->n_shares}, c->share};
    const struct st_meta meta[] = {{"format", FORMAT}, {"fingerprint", fingerprint}, {"circumstances", circumstances}};
    const char *bad = checkpoint_bad(c, network, n_states);
    if (bad)
        return error_set(err, DAE_DIVERGED, "%s is not written: its %s are not finite", path, bad);
    return safetensors_save(path, tensors, n_tensors, meta, circumstances ? 3 : 2, err);
}

/* Copies a tensor of at most max_bytes, after checking its name, type and size. */
static enum dae_status take(const struct safetensors *file, const char *path, const char *name, enum st_dtype dtype,
                            uint64_t elements, void *to, struct error *err)
{
    const struct st_tensor *tensor = safetensors_find(file, name);
    uint64_t have = 1;
    if (!tensor)
        return error_set(err, DAE_CHECKPOINT, "%s: tensor '%s' is missing", path, name);
    for (int i = 0; i < tensor->rank; ++i)
        have *= tensor->shape[i];
    if (tensor->dtype != dtype || have != elements)
        return error_set(err, DAE_CHECKPOINT,
                         "%s: tensor '%s' holds %" PRIu64 " numbers of %s, this run needs %" PRIu64 " of %s", path,
                         name, have, safetensors_dtype_name(tensor->dtype), elements, safetensors_dtype_name(dtype));
    if (elements > 0)
        memcpy(to, tensor->data, safetensors_bytes(tensor));
    return DAE_OK;
}

/* Only the same split of each batch reproduces the bytes. */
static enum dae_status take_shares(const struct safetensors *file, const char *path, struct checkpoint *c,
                                   struct error *err)
{
    const struct st_tensor *tensor = safetensors_find(file, "shares");
    const uint64_t have = tensor && tensor->rank == 1 ? tensor->shape[0] : 0;
    if (have != c->n_shares)
        return error_set(err, DAE_CHECKPOINT,
                         "%s: its batches were split over %" PRIu64 " devices, now over %" PRIu64
                         " (0: one device); resume with the same --platform, or choose another --out",
                         path, have, c->n_shares);
    return have > 0 ? take(file, path, "shares", ST_U64, have, c->share, err) : DAE_OK;
}

static enum dae_status take_all(const struct safetensors *file, const char *path, struct checkpoint *c,
                                const struct network *network, int n_states, uint64_t epochs, uint64_t steps,
                                struct error *err)
{
    const uint64_t len = (uint64_t)network->parameters_len, trained = (uint64_t)network->trained_len;
    uint64_t position[2];
    TRY(take(file, path, "position", ST_U64, 2, position, err));
    if (position[0] > epochs)
        return error_set(err, DAE_CHECKPOINT,
                         "%s: it has %" PRIu64 " finished epochs, this run asks for %" PRIu64
                         "; raise train.epochs or choose another --out",
                         path, position[0], epochs);
    if (position[1] >= steps)
        return error_set(err, DAE_CHECKPOINT, "%s: step %" PRIu64 " of an epoch of %" PRIu64, path, position[1], steps);
    c->epoch = position[0];
    c->step = position[1];
    TRY(take(file, path, "parameters", ST_F32, len, c->parameters, err));
    TRY(take(file, path, "optimizer_state", ST_F32, trained * (uint64_t)n_states, c->state, err));
    if (c->average)
        TRY(take(file, path, "average", ST_F32, len, c->average, err));
    if (c->best)
        TRY(take(file, path, "best_parameters", ST_F32, len, c->best, err));
    TRY(take(file, path, "step_losses", ST_F32, c->step, c->step_losses, err));
    TRY(take(file, path, "train_losses", ST_F64, c->epoch, c->train_losses, err));
    TRY(take(file, path, "test_losses", ST_F64, c->epoch, c->test_losses, err));
    return take_shares(file, path, c, err);
}

/* Whether the file is a checkpoint of this training. */
static enum dae_status check_origin(const struct safetensors *file, const char *path, const char *fingerprint,
                                    struct error *err)
{
    struct text first CLEANUP(text_release) = {0};
    const char *format = safetensors_meta(file, "format"), *theirs = safetensors_meta(file, "fingerprint");
    if (!format || strcmp(format, FORMAT) != 0)
        return error_set(err, DAE_CHECKPOINT, "%s: it is not a checkpoint of this version of dae-cl (expected %s)",
                         path, FORMAT);
    TRY(settings_fingerprint_difference(theirs ? theirs : "", fingerprint, &first, err));
    if (first.len > 0)
        return error_set(err, DAE_CHECKPOINT,
                         "%s: it was made with another config or other data, which differ at '%s'; run without "
                         "--resume, or choose another --out",
                         path, first.data);
    return DAE_OK;
}

enum dae_status checkpoint_load(const char *path, struct checkpoint *c, const struct network *network, int n_states,
                                uint64_t epochs, uint64_t steps, const char *fingerprint, const char *circumstances,
                                struct text *difference, struct error *err)
{
    struct safetensors file CLEANUP(safetensors_close) = {0};
    TRY(safetensors_open(path, 0, &file, err));
    TRY(check_origin(&file, path, fingerprint, err));
    TRY(take_all(&file, path, c, network, n_states, epochs, steps, err));
    const char *bad = checkpoint_bad(c, network, n_states), *made = safetensors_meta(&file, "circumstances");
    if (bad)
        return error_set(
            err, DAE_CHECKPOINT,
            "%s: its %s are not finite: the training had diverged; start again with a smaller learning rate", path,
            bad);
    if (made && circumstances)
        circumstances_difference(made, circumstances, difference);
    return DAE_OK;
}
