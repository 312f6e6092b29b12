/* The best band-pass filter of whole signals: of their cosine transforms (of type II, so that a signal is mirrored at
 * its ends) it keeps a band and drops the rest. The band is the one that restores the signals best, of all there are.
 */
#ifndef STATS_BAND_PASS_H
#define STATS_BAND_PASS_H

#include "base/error.h"

enum { BAND_PASS_SIGNALS = 256 }; /* by which the band is chosen */

struct band_pass {
    size_t length, channels;
    size_t seen;      /* signals */
    double *cosine;   /* (4 length) of a circle */
    double *gain;     /* (length) how much less squared error there is if this frequency is kept */
    double *spectrum; /* (2 length) work memory */
    size_t low, high; /* frequencies [low, high) are kept, in half periods per signal; none if they are equal */
};

/* Call init, add any number of blocks, choose once, then apply; release at any time. DAE_NO_MEMORY. */
MUST_USE enum dae_status band_pass_init(struct band_pass *filter, size_t length, size_t channels, struct error *err);
void band_pass_add(struct band_pass *filter, const float *noisy /* (n,T,C) */, const float *clean /* (n,T,C) */,
                   size_t n);
void band_pass_choose(struct band_pass *filter);
void band_pass_apply(struct band_pass *filter, const float *noisy /* (n,T,C) */, float *out /* (n,T,C) */, size_t n);
void band_pass_release(struct band_pass *filter);

#endif
