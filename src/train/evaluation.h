/* The trained denoiser compared with its rivals, on all test samples under the same noise: the noisy input itself, the
 * same network trained without noise, the best affine map, PCA, for images and signals the best linear filter, for
 * images the median filter, for signals the filter of Savitzky and Golay and the best band-pass, and for volumes a
 * median and a Gaussian filter of the best size. The comparison is paired: each method restores the same samples under
 * the same draws. */
#ifndef TRAIN_EVALUATION_H
#define TRAIN_EVALUATION_H

#include <signal.h>

#include "base/error.h"
#include "data/dataset.h"
#include "graph/losses.h"
#include "graph/network.h"
#include "model/model.h"
#include "stats/affine.h"
#include "stats/paired.h"
#include "stats/volume_filter.h"
#include "train/settings.h"

enum evaluation_rival {
    RIVAL_NOISY,
    RIVAL_MODEL,
    RIVAL_STANDARD,
    RIVAL_AFFINE,
    RIVAL_PCA,
    RIVAL_WIENER,
    RIVAL_MEDIAN,
    RIVAL_SAVITZKY_GOLAY,
    RIVAL_BAND_PASS,
    RIVAL_VOLUME_MEDIAN, /* those of stats/volume_filter.h, in their order */
    RIVAL_VOLUME_GAUSSIAN,
    RIVAL_N
};

enum { EVALUATION_SHOWN = 10 };

struct evaluation_row {
    bool present;
    double mse;                    /* mean over all elements of all test samples that are judged */
    double psnr;                   /* dB, mean over the samples; NaN but for bytes, images and volumes */
    double snr;                    /* of signals: dB, the clean samples' mean square by the mse; NaN for other data */
    double loss;                   /* the network's own loss; NaN for a rival that is not a network */
    double term[LOSSES_MAX];       /* of a sum of losses, each without its weight */
    double improvement;            /* the standard autoencoder's mse divided by this one; NaN without it */
    struct paired model_less_this; /* the denoising network's error less this one's, in units of mse */
    const float *shown;            /* (EVALUATION_SHOWN, sample) of `n_shown` test samples; NULL for PCA */
};

struct evaluation {
    struct evaluation_row row[RIVAL_N];
    int64_t n_samples; /* test samples */
    bool only_hidden;  /* only what a corruption has replaced is judged, because only this is in the loss */
    int64_t n_fitted;  /* training samples that the affine map, PCA and the filter were fitted to */
    struct affine_choice affine_choice;
    int savitzky_golay[2];              /* points of its window, and the polynomial's order; 0 without it */
    double band[2];                     /* of the band-pass: periods per 1000 points; both 0 if it keeps nothing */
    double volume_size[VOLUME_FILTERS]; /* as chosen on training samples; 0 where absent */
    int pca_components;                 /* min(code, sample); 0 without PCA */
    bool pca_is_identity;               /* the code is as long as a sample: PCA changes nothing */
    double *error; /* (RIVAL_N, n_samples): each test sample's share of the mse, which is their mean; 0 where absent */
    int n_shown;   /* the first sample of each label, or the first samples */
    float *shown_clean; /* (n_shown, sample) */
    float *memory;      /* owns all shown samples */
};

struct evaluation_options {
    struct device *device;
    const struct network *network;
    const struct settings *settings;
    const struct dataset *test_set; /* for labels; values are read from the device */
    struct loader *train, *test;
    const float *model;    /* (parameters_len) */
    const float *standard; /* (parameters_len), or NULL */
    const volatile sig_atomic_t
        *stop; /* a signal's number once one came, which ends the run by error_stopped; or NULL */
};

/* `key` as in run.json ("standard_ae"), `label` of a row ("standard AE"), `phrase` within a sentence ("the standard
 * AE"). */
const char *evaluation_key(enum evaluation_rival rival);
const char *evaluation_label(enum evaluation_rival rival);
const char *evaluation_phrase(enum evaluation_rival rival);

/* Checks before any work that the network names a code, which says how many components PCA has, and that what filters
 * images has images. DAE_CONFIG at `compare`. */
MUST_USE enum dae_status evaluation_check(const struct settings *settings, const struct network *network,
                                          const struct value *config, struct error *err);

/* Refuses data with holes, because the closed-form rivals need whole samples: DAE_CONFIG at `compare`. */
MUST_USE enum dae_status evaluation_check_data(const struct settings *settings, const struct value *config,
                                               const struct dataset *train, const struct dataset *test,
                                               struct error *err);

/* The strongest rival that is not a network: the noisy input, or a method without iterative training. It is chosen by
 * the test samples themselves, which can only favour the rivals. */
enum evaluation_rival evaluation_strongest(const struct evaluation *evaluation);

/* Runs the evaluation; the caller releases it, whatever the outcome. The rivals are fitted on the training samples
 * under the noise of epoch 0; the affine map's ridge is chosen on a fifth of them, held out. */
MUST_USE enum dae_status evaluation_run(const struct evaluation_options *options, struct evaluation *evaluation,
                                        struct error *err);
void evaluation_release(struct evaluation *evaluation);

#endif
