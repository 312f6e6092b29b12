/* numpy.random.default_rng(seed).random(): the cells that an independent implementation in NumPy hid, to compare with
 * it cell by cell. PCG XSL-RR 128/64 (O'Neill, HMC-CS-2014-0905, 2014), seeded as numpy/random/bit_generator.pyx does.
 */
#ifndef TOOLS_FINANCE_NUMPY_RANDOM_H
#define TOOLS_FINANCE_NUMPY_RANDOM_H

#include <stdint.h>

struct numpy_random {
    unsigned __int128 state, increment;
};

static inline uint64_t numpy_random_word(struct numpy_random *r)
{
    const unsigned __int128 factor = (unsigned __int128)0x2360ED051FC65DA4 << 64 | 0x4385DF649FCCF645;
    r->state = r->state * factor + r->increment;
    uint64_t x = (uint64_t)(r->state >> 64) ^ (uint64_t)r->state;
    unsigned turn = (unsigned)(r->state >> 122);
    return x >> turn | x << (-turn & 63);
}

/* In [0, 1). */
static inline double numpy_random_uniform(struct numpy_random *r)
{
    return (double)(numpy_random_word(r) >> 11) * 0x1p-53;
}

static inline uint32_t numpy_random_hash(uint32_t value, uint32_t *key, uint32_t factor)
{
    value ^= *key;
    *key *= factor;
    value *= *key;
    return value ^ value >> 16;
}

static inline void numpy_random_seed(struct numpy_random *r, uint32_t seed)
{
    enum { POOL = 4, WORDS = 8 };
    uint32_t pool[POOL], word[WORDS], key = 0x43b0d7e5;
    for (int i = 0; i < POOL; ++i)
        pool[i] = numpy_random_hash(i == 0 ? seed : 0, &key, 0x931e8875);
    for (int from = 0; from < POOL; ++from)
        for (int to = 0; to < POOL; ++to)
            if (from != to) {
                uint32_t mixed = pool[to] * 0xca01f9dd - numpy_random_hash(pool[from], &key, 0x931e8875) * 0x4973f715;
                pool[to] = mixed ^ mixed >> 16;
            }
    key = 0x8b51f9dd;
    for (int i = 0; i < WORDS; ++i)
        word[i] = numpy_random_hash(pool[i % POOL], &key, 0x58f38ded);
    unsigned __int128 half[4];
    for (int i = 0; i < 4; ++i)
        half[i] = (unsigned __int128)word[2 * i + 1] << 32 | word[2 * i];
    r->increment = (half[2] << 64 | half[3]) << 1 | 1;
    r->state = 0;
    numpy_random_word(r);
    r->state += half[0] << 64 | half[1];
    numpy_random_word(r);
}

#endif
