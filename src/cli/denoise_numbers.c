#include "cli/denoise_numbers.h"

#include "base/shape.h"
#include "model/denoiser.h"

enum dae_status denoise_numbers_check(const struct transfer *transfer, const char *path, struct samples_file *file,
                                      struct error *err)
{
    const int64_t sample = dae_shape_len(&file->shape), n = file->n * sample;
    if (transfer_is_none(transfer))
        return DAE_OK;
    const char *semicolon = file->notice.len ? "; " : "";
    const int64_t bad = transfer_first_bad(transfer, false, file->largest, file->values, n);
    if (bad >= 0)
        return error_set(err, DAE_BAD_DATA,
                         "%s: sample %lld, element %lld: the model's transfer has no value for the number %g", path,
                         (long long)(bad / sample), (long long)(bad % sample),
                         transfer_stored(file->values[bad], file->largest));
    const int64_t beyond = transfer_first_bad(transfer, true, file->largest, file->values, n);
    if (beyond >= 0)
        text_printf(
            &file->notice, "%sit has numbers beyond the range that the model was trained on, %g to %g: the first is %g",
            semicolon, transfer->range[0], transfer->range[1], transfer_stored(file->values[beyond], file->largest));
    else if (file->largest > 0 && file->largest < transfer->range[1])
        text_printf(&file->notice,
                    "%sits numbers end at %u, but the model was trained on numbers from %g to %g: they are taken as "
                    "they are stored",
                    semicolon, file->largest, transfer->range[0], transfer->range[1]);
    return DAE_OK;
}

enum dae_status denoise_numbers_check_output(const char *path, const struct samples_file *file, struct error *err)
{
    const int64_t bad = denoiser_first_bad(file->values, file->n, dae_shape_len(&file->shape));
    if (bad >= 0)
        return error_set(err, DAE_BAD_DATA,
                         "%s: sample %lld: the model's output is not finite; use values like those it was trained on, "
                         "or train it again",
                         path, (long long)bad);
    return DAE_OK;
}
