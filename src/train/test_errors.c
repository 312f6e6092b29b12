#include "train/test_errors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/shape.h"

static const char samples_key[] = "samples";

enum dae_status test_errors_save(const char *path, const struct evaluation *evaluation, const struct dataset *test_set,
                                 struct error *err)
{
    struct st_tensor tensor[RIVAL_N];
    char shape[96], samples[192];
    size_t n = 0;
    for (int i = 0; i < RIVAL_N; ++i)
        if (evaluation->row[i].present)
            tensor[n++] = (struct st_tensor){.name = evaluation_key((enum evaluation_rival)i),
                                             .dtype = ST_F64,
                                             .rank = 1,
                                             .shape = {(uint64_t)evaluation->n_samples},
                                             .data = evaluation->error + i * evaluation->n_samples};
    snprintf(samples, sizeof samples, "%lld samples of %s, checksum %08x%s", (long long)test_set->n,
             shape_text(&test_set->shape, shape), (unsigned)test_set->checksum,
             evaluation->only_hidden ? ", hidden numbers only" : "");
    const struct st_meta meta = {samples_key, samples};
    return safetensors_save(path, tensor, n, &meta, 1, err);
}

static const double *find(const struct test_errors *errors, const char *name)
{
    const struct st_tensor *tensor = safetensors_find(&errors->file, name);
    const bool fits = tensor && tensor->dtype == ST_F64 && tensor->rank == 1 && tensor->shape[0] > 0 &&
                      tensor->shape[0] == errors->file.tensors[0].shape[0];
    return fits ? tensor->data : NULL;
}

enum dae_status test_errors_open(const char *path, struct test_errors *errors, struct error *err)
{
    *errors = (struct test_errors){0};
    TRY(safetensors_open(path, 0, &errors->file, err));
    errors->model = find(errors, evaluation_key(RIVAL_MODEL));
    errors->noisy = find(errors, evaluation_key(RIVAL_NOISY));
    errors->samples = safetensors_meta(&errors->file, samples_key);
    if (errors->model && errors->noisy && errors->samples) {
        errors->n = (int64_t)errors->file.tensors[0].shape[0];
        return DAE_OK;
    }
    test_errors_close(errors);
    return error_set(err, DAE_CHECKPOINT, "%s: it does not contain the errors of a run's test samples", path);
}

void test_errors_close(struct test_errors *errors)
{
    safetensors_close(&errors->file);
    *errors = (struct test_errors){0};
}
