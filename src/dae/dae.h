/* libdae: denoising autoencoders inside another program. A context opens devices and plugins, a model is a trained
 * network, a run trains one. docs/embedding.md is the guide; this file is the reference.
 *
 * Every function that can fail returns a status of dae/status.h; dae_error then has the message. The library never ends
 * the program, prints, forks, or changes the working folder, the locale or a signal's handler. It allocates no thread
 * but that of dae_run_start; an OpenCL driver may start its own. The first function that needs a device loads the
 * OpenCL drivers, and for that sets the environment variable POCL_CACHE_DIR: call it before other threads read the
 * environment.
 *
 * A context and what was made from it belong to one thread at a time; several contexts may work in several threads at
 * once. dae_cancel, dae_run_cancel and dae_run_metrics may be called from any thread. A context is closed after
 * everything that was made from it.
 *
 * Texts are UTF-8. Options and configs are YAML with the keys of docs/config.md and docs/embedding.md. */
#ifndef DAE_DAE_H
#define DAE_DAE_H

#include <stddef.h>
#include <stdint.h>

#include "dae/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dae_context;
struct dae_model;
struct dae_run;

/* The library's version, "0.9.0", and the one-line meaning of a status. Both last as long as the library. */
const char *dae_version(void);
const char *dae_status_text(enum dae_status status);

/* ---- Context. ---------------------------------------------------------------------------------------------------- */

/* Opens a context. options is YAML, or NULL: `device` (as in a config, before $DAE_CL_PLATFORM and the config's own),
 * `plugins` (list of further folders), `memory` (MiB of the device for tiles, 256), `trust_device` (use a device that
 * computes wrong numbers). No device is opened. After a failure *context is not NULL and only serves dae_error and
 * dae_close, unless memory was too short for it: DAE_NO_MEMORY. Else DAE_CONFIG at the option, DAE_PLUGIN. */
enum dae_status dae_open(const char *options, struct dae_context **context);
void dae_close(struct dae_context *context); /* NULL is fine */

/* The message of the last call if it failed, else "". Closing something keeps it. One line, with its place if it has
 * one
 * ("config:3:9: error: ..."), then a line for each note. Valid until the next call with this context. */
const char *dae_error(const struct dae_context *context);
/* The place in a text that this message begins with: its name ("config", "options", a path), or NULL if there is none;
 * line and column count from 1. Valid as long as the message. */
const char *dae_error_place(const struct dae_context *context, int *line, int *column);

/* Called with each line that a command would print on stderr: the chosen device, drivers that are not used, the check
 * at a device's first use. From the thread that works. NULL: nobody is told. */
void dae_set_log(struct dae_context *context, void (*log)(void *user, const char *line), void *user);

/* Called several times a second while a function works, with the part of it that is done, 0 to 1, from the thread that
 * works. A value other than 0 ends the function with DAE_INTERRUPTED. It may call dae_run_metrics. */
void dae_set_progress(struct dae_context *context, int (*progress)(void *user, double done), void *user);

/* Ends the running dae_denoise, dae_encode or dae_impute of this context with DAE_INTERRUPTED, from any thread; without
 * a running one it does nothing. */
void dae_cancel(struct dae_context *context);

/* *json: the OpenCL devices of this machine, as dae-cl devices --json prints them. The caller frees it: dae_free. */
enum dae_status dae_devices(struct dae_context *context, char **json);

/* Frees a text that a function has returned. NULL is fine. */
void dae_free(char *text);

/* ---- Samples in the caller's memory. ----------------------------------------------------------------------------- */

enum dae_element {
    DAE_U8 = 1,  /* 0 to 255 for 0 to 1 */
    DAE_U16 = 2, /* 0 to 65535 for 0 to 1 */
    DAE_F16 = 3, /* IEEE 754 binary16 and binary32, taken as they are */
    DAE_F32 = 4
};

#define DAE_IMAGE_RANK 5

/* n samples: shape is n, then the shape of a sample, channels last: (n,H,W,C) for images, (n,d) for rows. Element i of
 * an axis is stride bytes after element i - 1. Strides need not be in order (planes of colours), but are positive and
 * large enough that no two elements share a byte; if all are 0, the elements follow each other in the order of the
 * axes. */
struct dae_image {
    size_t size; /* sizeof(struct dae_image) */
    void *data;
    size_t bytes;          /* of memory from data on: nothing outside of it is touched */
    int32_t element, rank; /* enum dae_element; 2 to DAE_IMAGE_RANK */
    int64_t shape[DAE_IMAGE_RANK], stride[DAE_IMAGE_RANK];
};

/* ---- Models. ----------------------------------------------------------------------------------------------------- */

/* Reads a model that dae-cl run or dae_run_model wrote, from a file, or from the bytes of one, which are copied; `name`
 * stands for the path in messages. No device is opened. The caller closes it. DAE_IO, DAE_CHECKPOINT for what is not a
 * model of this version or damaged, DAE_CONFIG. */
enum dae_status dae_model_load(struct dae_context *context, const char *path, struct dae_model **model);
enum dae_status dae_model_read(struct dae_context *context, const char *name, const void *bytes, size_t len,
                               struct dae_model **model);
void dae_model_close(struct dae_model *model); /* NULL is fine */

/* Writes the model completely or not at all. An existing file is replaced. */
enum dae_status dae_model_save(struct dae_model *model, const char *path);

/* *json: name, shapes of input, output and code, whether images of any size are accepted, columns of a table, number of
 * parameters, the config. docs/embedding.md lists the keys. The caller frees it. */
enum dae_status dae_model_describe(struct dae_model *model, char **json);

/* Denoises samples of the model's input shape, or images of any size if dae_model_describe says so. in and out have the
 * same shape, perhaps other elements and strides, and may be the same memory. Numbers that are stored as integers are
 * clamped to 0 to 1. The first call opens the device and checks it; `out` is written only if all went well.
 * DAE_CONFIG for an image that is not as described above, DAE_BAD_DATA for a shape that the model does not take and for
 * numbers that are not finite, DAE_NO_DEVICE, DAE_OPENCL, DAE_NO_MEMORY, DAE_INTERRUPTED. */
enum dae_status dae_denoise(struct dae_model *model, const struct dae_image *in, const struct dae_image *out);

/* Computes the code of samples of the model's input shape: out is (n, code). DAE_CONFIG for a model without a code;
 * else as dae_denoise. */
enum dae_status dae_encode(struct dae_model *model, const struct dae_image *in, const struct dae_image *out);

/* Fills the holes of samples of the model's input shape: NaN in `in`, whose elements are floats, as are those of `out`.
 * Other numbers are copied. Rows of a model of a table have the model's columns in its order and in their own units.
 * DAE_CONFIG for a model whose layers do not read the mask; else as dae_denoise. */
enum dae_status dae_impute(struct dae_model *model, const struct dae_image *in, const struct dae_image *out);

#ifdef __cplusplus
}
#endif

#endif
