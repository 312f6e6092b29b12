/* Generated signals that look like electrocardiograms: each beat is a sum of five Gaussians, the waves P, Q, R, S and T
 * (after McSharry, Clifford, Tarassenko and Smith, IEEE Transactions on Biomedical Engineering 50(3), 2003, without
 * their differential equations), and the time between beats varies. They are no recordings, and a network that is
 * trained on them is no medical device. */
#ifndef DATA_ECG_H
#define DATA_ECG_H

#include "data/dataset.h"

/* Draws signals first, first + 1, ..., first + n - 1 of the set named by the seed: (window, 1) each, `rate` points per
 * second. Every signal is of another heart: 50 to 110 beats a minute that vary by some percent with the breath and from
 * beat to beat; waves of about the usual heights (R is near 1), widths and places. A signal depends on nothing but
 * (seed, its number, window, rate). dataset_release, whatever the outcome; DAE_NO_MEMORY. */
MUST_USE enum dae_status ecg_draw(uint64_t seed, uint32_t first, int64_t n, int64_t window, double rate,
                                  struct dataset *set, struct error *err);

#endif
