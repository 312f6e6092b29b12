/* Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011): counter-based random numbers.
 * This is the host's version of the device functions in kernels/dae.clh: both give the same words for the same key.
 *
 * One draw is named, never sequenced: (seed, stream, epoch, sample id, element). Elements come in blocks of 64: element
 * e of a draw is word (e % 64) / 16 of the counter block (e / 64) * 16 + e % 16. That order lets a 16-wide vector unit
 * compute 16 counters at once and store four contiguous vectors. */
#ifndef BASE_PHILOX_H
#define BASE_PHILOX_H

#include <stdint.h>

struct philox_key {
    uint64_t seed;
    uint32_t stream; /* the purpose: see the list below */
    uint32_t epoch;
    uint32_t sample;
};

/* Streams in use. A graph node draws from PHILOX_NODE + its index; PHILOX_LEVEL or PHILOX_CHOICE is added for what is
 * drawn once per sample, PHILOX_HELD_OUT for data not trained on. */
enum {
    PHILOX_SHUFFLE = 1,
    PHILOX_INIT = 2,
    PHILOX_DIGITS = 3,
    PHILOX_FACTORS = 4, /* the factor panel */
    PHILOX_STUDY = 5,   /* hidden cells and added noise of the studies on panels */
    PHILOX_PLANE = 6,   /* points in the plane */
    PHILOX_PATCH = 7,   /* the image and place of a patch; kernels/batch.cl has the same number */
    PHILOX_LEAVES = 8,
    PHILOX_HOLD_OUT = 9, /* which samples of a training set are kept for validation */
    PHILOX_ECG = 10,
    PHILOX_SWEEP = 11, /* the values of a random search */
    PHILOX_PHANTOM = 12,
    PHILOX_NODE = 16,
    PHILOX_LEVEL = 0x4000,
    PHILOX_CHOICE = 0x8000,
    PHILOX_HELD_OUT = 0x10000,
};

/* The ten rounds: counter and key in, four 32-bit words out. */
void philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The 32-bit word of one element. */
uint32_t philox_word(struct philox_key key, uint32_t element);

/* The same as a number in (0, 1], (word + 1/2) / 2^32 rounded as the device rounds it (float). */
double philox_uniform(struct philox_key key, uint32_t element);

/* A standard normal number by Box and Muller (1958), from the uniforms of the element's pair, in double. */
double philox_normal(struct philox_key key, uint32_t element);

#endif
