/* libdae: denoising autoencoders inside another program. A context opens devices and plugins, a model is a trained
 * network, a run trains one. docs/embedding.md is the guide; this file is the reference.
 *
 * Every function that can fail returns a status of dae/status.h; dae_error then has the message. The library never ends
 * the program (unless an assertion finds a bug of its own), prints, forks, or changes the working folder, the locale or
 * a signal's handler. It starts no thread but that of dae_run_start; an OpenCL driver may start its own. The first
 * function that needs a device loads the OpenCL drivers, and for that sets the environment variable POCL_CACHE_DIR:
 * call it before other threads read the environment.
 *
 * A context and what was made from it belong to one thread at a time; several contexts may work in several threads at
 * once. dae_cancel, dae_run_cancel and dae_run_metrics may be called from any thread. A context is closed after
 * everything that was made from it.
 *
 * Pointers are not NULL unless a comment allows it. Texts are UTF-8. Options and configs are YAML with the keys of
 * docs/config.md and docs/embedding.md. */
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

/* ---- Training. --------------------------------------------------------------------------------------------------- */

/* Reads a config, the YAML of dae-cl run, and checks it without opening a device or a file of data. The run trains the
 * denoising autoencoder alone: the rivals of `compare` and the `studies` are for dae-cl run. Without the key `data`, it
 * is {source: memory}. Folders are as in a config; $DAE_CL_DATA counts. The caller closes the run. DAE_CONFIG at the
 * line of "config". */
enum dae_status dae_run_new(struct dae_context *context, const char *config, struct dae_run **run);
void dae_run_close(struct dae_run *run); /* waits for a started run, which it cancels; NULL is fine */

/* Gives the samples of a config with data: {source: memory}, before anything is trained; they are copied. `split` is
 * "train" or "test"; the samples have the shape of model.input. Integers stand for 0 to 1, NaN is a hole. Without
 * "test" and without data.validation, the validation loss is that of the training samples under other noise.
 * DAE_CONFIG, DAE_BAD_DATA, DAE_NO_MEMORY. */
enum dae_status dae_run_data(struct dae_run *run, const char *split, const struct dae_image *samples);

/* Continues from a file of dae_run_checkpoint, before anything is trained: the config and the data must be the same.
 * That is checked when training begins: DAE_CHECKPOINT. */
enum dae_status dae_run_resume(struct dae_run *run, const char *path);

/* Trains one epoch, or what is left of it, in this thread. The first call loads the data, opens the device and checks
 * it. *finished is 1 after the last epoch, or when early_stop ends the training. All statuses of dae/status.h;
 * DAE_INTERRUPTED when cancelled, after the running step: another call continues with the same bits. */
enum dae_status dae_run_step(struct dae_run *run, int *finished);

/* Trains all epochs in a thread of the library, from which the callbacks are then called. dae_run_wait waits for its
 * end for at most `seconds` (negative: without a limit), and then returns its status; before, DAE_OK with
 * *finished 0. Meanwhile, only dae_run_cancel, dae_run_metrics, dae_run_checkpoint and dae_run_wait may be called with
 * the run. */
enum dae_status dae_run_start(struct dae_run *run);
enum dae_status dae_run_wait(struct dae_run *run, double seconds, int *finished);

/* Asks a working run to stop, from any thread; it returns DAE_INTERRUPTED unless it has already finished. */
void dae_run_cancel(struct dae_run *run);

/* Writes the state after the last step, completely or not at all; a started run pauses for it. DAE_CONFIG if nothing
 * was trained yet. */
enum dae_status dae_run_checkpoint(struct dae_run *run, const char *path);

/* *json: epoch, step, losses and speed so far; docs/embedding.md lists the keys. From any thread. The caller frees it.
 */
enum dae_status dae_run_metrics(struct dae_run *run, char **json);

/* A model of what was trained so far: of the epoch that validation chose, if the config says so. The caller closes it.
 * DAE_CONFIG if nothing was trained yet, or while a started run works. */
enum dae_status dae_run_model(struct dae_run *run, struct dae_model **model);

/* ---- Checking a device. ------------------------------------------------------------------------------------------ */

/* Compares the network of a config on the device, number by number, with a reference in double precision, on synthetic
 * samples. *json is the report of dae-cl verify --json: its key `passed` is the verdict; the caller frees it. Takes
 * seconds to minutes. DAE_OK also for wrong numbers; else as dae_run_new, and the failures of a device. */
enum dae_status dae_verify(struct dae_context *context, const char *config, char **json);

#ifdef __cplusplus
}
#endif

#endif
