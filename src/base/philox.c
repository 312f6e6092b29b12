#include "base/philox.h"

#include <math.h>

void philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; ++round) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c[3] ^ k1,
                            (uint32_t)p0};
        for (int i = 0; i < 4; ++i)
            c[i] = next[i];
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; ++i)
        out[i] = c[i];
}

static void block_of(struct philox_key key, uint32_t element, uint32_t out[4])
{
    const uint32_t counter[4] = {element / 64 * 16 + element % 16, key.sample, key.epoch, key.stream};
    const uint32_t seed[2] = {(uint32_t)key.seed, (uint32_t)(key.seed >> 32)};
    philox_block(counter, seed, out);
}

static int word_of(uint32_t element)
{
    return (int)(element % 64 / 16);
}

/* Rounded to float like on the device, so that both take the logarithm of the same number. */
static double unit(uint32_t word)
{
    return (double)(((float)word + 0.5f) * 0x1p-32f);
}

uint32_t philox_word(struct philox_key key, uint32_t element)
{
    uint32_t out[4];
    block_of(key, element, out);
    return out[word_of(element)];
}

double philox_uniform(struct philox_key key, uint32_t element)
{
    return unit(philox_word(key, element));
}

double philox_normal(struct philox_key key, uint32_t element)
{
    uint32_t out[4];
    block_of(key, element, out);
    int word = word_of(element), pair = word & ~1;
    double radius = sqrt(-2 * log(unit(out[pair]))), angle = 2 * 3.14159265358979323846 * unit(out[pair + 1]);
    return radius * (word == pair ? cos(angle) : sin(angle));
}
