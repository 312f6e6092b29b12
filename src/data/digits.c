#include "data/digits.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/shape.h"

/* All arithmetic is on integers. With floating point, one compiler might contract a product and a sum that another
 * rounds twice, and the same seed would draw different pixels. */

enum {
    N_CLASSES = 10,
    POINTS_MAX = 12, /* of one stroke */
    STROKES_MAX = 2, /* of one form */
    FORMS_MAX = 4,
    STEPS = 6, /* line segments between two control points */
    TRACE_MAX = STROKES_MAX * ((POINTS_MAX - 1) * STEPS + 1),
    EM = 25600, /* the height of a form: 100 steps of its table */
    STEP = EM / 100,
    CELL = 16384,     /* of the displacement grid, in the same unit */
    CELLS = 3,        /* covers one and a half EM around the middle */
    PIXEL = 256,      /* the unit of the picture */
    BOX = 20 * PIXEL, /* the ink fits in a box of this side, as in MNIST */
    ONE = 4096,       /* of factors */
};

/* One way to write a class: strokes of the pen, "x,y x,y ... / x,y ...", 0 to 100 to the right and down. A smooth curve
 * runs through the points of a stroke, except at corners, marked by "!". */
struct form {
    int share; /* of 16, how often it is chosen */
    const char *strokes;
};

/* By class, 0 to 9. */
static const struct form forms[N_CLASSES][FORMS_MAX] = {
    {
        {6, "55,2 25,15 8,50 20,85 50,98 80,85 92,50 82,15 55,2 40,6"},
        {6, "70,12 45,3 20,30 15,65 40,97 72,85 85,50 75,15 58,5"},
        {4, "62,6 30,12 12,45 22,88 55,96 85,65 82,22 58,5 38,18"},
    },
    {
        {9, "50,0 50,50 50,100"},
        {5, "28,22 52,2! 52,50 52,100"},
        {2, "30,20 50,2! 50,50 50,98 / 24,99 50,98 78,98"},
    },
    {
        {6, "12,25 30,5 60,2 82,22 72,50 40,78 10,97! 50,97 92,95"},
        {6, "15,22 40,3 75,12 78,40 50,72 24,94 8,88 20,74 45,84 68,96 95,92"},
        {4, "18,20 50,2 80,20 66,52 15,96! 50,90 90,98"},
    },
    {
        {6, "15,12 45,2 78,15 70,40 40,48! 75,55 88,78 60,97 12,90"},
        {3, "15,5 80,5! 42,42! 75,50 85,78 55,98 12,88"},
        {7, "18,15 50,2 78,18 64,40 38,47 66,50 86,72 62,96 28,96 10,82"},
    },
    {
        {7, "25,2 20,30 12,58! 50,58 92,54 / 74,5 71,50 66,100"},
        {4, "60,2 35,35 8,65! 50,64 94,62 / 64,4 62,50 60,100"},
        {5, "18,5 14,38 38,52 70,42 84,6! 77,50 68,100"},
    },
    {
        {6, "82,4 28,5! 20,44! 52,38 84,58 74,86 42,98 8,88"},
        {6, "28,5 20,44! 62,44 84,68 60,96 10,92 / 28,5 58,6 88,2"},
        {4, "84,6 42,6 24,24 44,44 76,60 72,88 40,98 10,86"},
    },
    {
        {6, "70,2 35,25 15,60 25,92 60,97 82,75 65,54 35,60 20,80"},
        {6, "55,0 30,40 22,75 40,98 70,90 76,66 50,56 26,74"},
        {4, "86,8 50,12 20,45 12,75 40,98 80,88 78,62 45,55 18,74"},
    },
    {
        {6, "10,12 50,8 88,6! 62,50 45,100"},
        {4, "12,10 50,7 88,6! 64,50 48,100 / 32,54 58,51 84,50"},
        {3, "12,26 15,8! 85,6! 62,40 50,98"},
        {3, "8,16 42,4 84,12 64,46 40,100"},
    },
    {
        {6, "76,15 46,2 20,20 46,46 80,74 52,98 18,78 46,50 80,24 68,8"},
        {5, "50,47 22,26 50,2 78,24 50,47 18,74 50,98 84,74 52,48"},
        {5, "86,8 50,3 22,18 42,42 74,66 60,96 24,90 30,62 64,38 88,12"},
    },
    {
        {6, "82,18 50,2 18,22 26,48 62,46 84,14! 80,60 70,100"},
        {5, "80,14 46,3 15,28 40,52 76,36 82,12! 80,60 56,97 22,90"},
        {5, "80,22 50,3 18,28 44,52 80,24 70,68 44,100"},
    },
};

/* A point of a form. */
struct point {
    int x, y;
    bool corner;
};

static int take_number(const char **text)
{
    int value = 0;
    for (; **text >= '0' && **text <= '9'; ++*text)
        value = value * 10 + (**text - '0');
    return value;
}

/* Reads one stroke and moves *text past it. Returns the number of points, 0 at the end. */
static int take_stroke(const char **text, struct point points[POINTS_MAX])
{
    int n = 0;
    while (**text && **text != '/') {
        struct point *point = &points[n++];
        point->x = take_number(text);
        ++*text; /* the comma */
        point->y = take_number(text);
        point->corner = **text == '!';
        *text += point->corner ? 1 : 0;
        *text += **text == ' ' ? 1 : 0;
    }
    *text += **text == '/' ? 2 : 0;
    return n;
}

/* Draws of one sample, taken in order. */
struct draws {
    struct philox_key key;
    uint32_t next;
};

/* Uniform in [0, n). */
static int draw_below(struct draws *draws, int n)
{
    return (int)((uint64_t)philox_word(draws->key, draws->next++) * (uint64_t)n >> 32);
}

/* In [-largest, largest], most likely near the middle (the sum of two uniform numbers). */
static int draw_around(struct draws *draws, int largest)
{
    uint32_t word = philox_word(draws->key, draws->next++);
    int64_t sum = (int64_t)(word >> 16) + (word & 0xffff) - 65535;
    return (int)(sum * largest / 65535);
}

/* A point on the pen's path; weight is the width of the pen there, ONE for the stroke's own width. */
struct place {
    int x, y, weight;
    bool lifted; /* the pen came here without drawing */
};

struct trace {
    int n;
    struct place place[TRACE_MAX];
};

/* ---- The pen's way. ---------------------------------------------------------------------------------------------- */

/* One writer's hand: a linear map, and a smooth displacement on a grid. */
struct hand {
    int xx, xy, yx, yy; /* in 1/ONE */
    int shift[CELLS + 1][CELLS + 1][2];
    int jitter; /* of control points */
};

static void draw_hand(struct draws *draws, struct hand *hand)
{
    int width = ONE * 3 / 4 + draw_around(draws, ONE / 5);
    int slant = ONE / 10 + draw_around(draws, ONE * 4 / 10);
    int sine = draw_around(draws, ONE / 4);
    int cosine = ONE - sine * sine / (2 * ONE); /* accurate enough for a small angle */
    /* Rotation times slant (the top goes to the right) times width. */
    hand->xx = width * cosine / ONE;
    hand->xy = -slant * cosine / ONE - sine;
    hand->yx = width * sine / ONE;
    hand->yy = cosine - slant * sine / ONE;
    int strength = EM / 30 + draw_below(draws, EM / 6);
    for (int i = 0; i <= CELLS; ++i)
        for (int j = 0; j <= CELLS; ++j)
            for (int k = 0; k < 2; ++k)
                hand->shift[i][j][k] = draw_around(draws, strength);
    hand->jitter = EM / 40 + draw_below(draws, EM / 9);
}

/* The cell of a coordinate and the weight of its far end: 3t^2 - 2t^3, which makes neighbouring cells join smoothly. */
static int cell_of(int position, int *weight)
{
    int at = position + CELL * CELLS / 2, last = CELL * CELLS - 1;
    at = at < 0 ? 0 : at > last ? last : at;
    int t = at % CELL * ONE / CELL;
    *weight = (int)((int64_t)t * t * (3 * ONE - 2 * t) / ((int64_t)ONE * ONE));
    return at / CELL;
}

static void displace(const struct hand *hand, struct place *place)
{
    int u, v, j = cell_of(place->x, &u), i = cell_of(place->y, &v), by[2];
    for (int k = 0; k < 2; ++k) {
        int upper = hand->shift[i][j][k] * (ONE - u) + hand->shift[i][j + 1][k] * u;
        int lower = hand->shift[i + 1][j][k] * (ONE - u) + hand->shift[i + 1][j + 1][k] * u;
        by[k] = (int)(((int64_t)upper * (ONE - v) + (int64_t)lower * v) / ((int64_t)ONE * ONE));
    }
    place->x += by[0];
    place->y += by[1];
}

/* The Catmull-Rom curve at t of STEPS: through b (t = 0) and c, with the tangents (c - a)/2 and (d - b)/2. */
static int curve(int a, int b, int c, int d, int t)
{
    int64_t n = STEPS, cubic = (int64_t)(-a + 3 * b - 3 * c + d) * t * t * t,
            square = (int64_t)(2 * a - 5 * b + 4 * c - d) * t * t * n, linear = (int64_t)(c - a) * t * n * n;
    return b + (int)((cubic + square + linear) / (2 * n * n * n));
}

static void trace_stroke(struct draws *draws, const struct hand *hand, const struct point *points, int n_points,
                         struct trace *trace)
{
    struct place p[POINTS_MAX];
    int unevenness = draw_below(draws, ONE / 3);
    for (int i = 0; i < n_points; ++i) {
        int x = (points[i].x - 50) * STEP + draw_around(draws, hand->jitter);
        int y = (points[i].y - 50) * STEP + draw_around(draws, hand->jitter);
        p[i] = (struct place){.x = (x * hand->xx + y * hand->xy) / ONE,
                              .y = (x * hand->yx + y * hand->yy) / ONE,
                              .weight = ONE + draw_around(draws, unevenness)};
    }
    for (int i = 0; i + 1 < n_points; ++i) {
        const struct place *a = &p[i], *b = &p[i + 1];
        const struct place *before = i == 0 || points[i].corner ? a : &p[i - 1];
        const struct place *after = i + 2 == n_points || points[i + 1].corner ? b : &p[i + 2];
        for (int t = i == 0 ? 0 : 1; t <= STEPS; ++t) {
            struct place *place = &trace->place[trace->n++];
            *place = (struct place){.x = curve(before->x, a->x, b->x, after->x, t),
                                    .y = curve(before->y, a->y, b->y, after->y, t),
                                    .weight = a->weight + (b->weight - a->weight) * t / STEPS,
                                    .lifted = i == 0 && t == 0};
            displace(hand, place);
        }
    }
}

/* ---- Ink. -------------------------------------------------------------------------------------------------------- */

static int absolute(int a)
{
    return a < 0 ? -a : a;
}

/* Approximates the distance, at most 12 % too long, for spacing and weights. */
static int rough_length(int dx, int dy)
{
    dx = absolute(dx);
    dy = absolute(dy);
    return shape_max(dx, dy) + shape_min(dx, dy) / 2;
}

struct box {
    int left, right, top, bottom;
};

static struct box bounds(const struct trace *trace)
{
    struct box box = {trace->place[0].x, trace->place[0].x, trace->place[0].y, trace->place[0].y};
    for (int i = 1; i < trace->n; ++i) {
        const struct place *p = &trace->place[i];
        box.left = p->x < box.left ? p->x : box.left;
        box.right = shape_max(p->x, box.right);
        box.top = p->y < box.top ? p->y : box.top;
        box.bottom = shape_max(p->y, box.bottom);
    }
    return box;
}

/* Limits `by` so that the ink from lo to hi stays inside the picture. */
static int keep_inside(int by, int lo, int hi, int margin)
{
    int least = margin - lo, most = DIGITS_SIDE * PIXEL - margin - hi;
    return by < least ? least : by > most ? most : by;
}

/* From EM to pixels: the longer side fills the box minus the pen, and the line's centre of mass goes to the middle. */
static void place_trace(struct draws *draws, int radius, struct trace *trace)
{
    struct box box = bounds(trace);
    int extent = shape_max(shape_max(box.right - box.left, box.bottom - box.top), 1);
    int64_t side = (BOX - 2 * radius) * (int64_t)(ONE - draw_below(draws, ONE / 8)) / ONE;
    for (int i = 0; i < trace->n; ++i) {
        trace->place[i].x = (int)(trace->place[i].x * side / extent);
        trace->place[i].y = (int)(trace->place[i].y * side / extent);
    }
    int64_t mass = 1, mass_x = 0, mass_y = 0;
    for (int i = 1; i < trace->n; ++i) {
        const struct place *a = &trace->place[i - 1], *b = &trace->place[i];
        int length = b->lifted ? 0 : rough_length(b->x - a->x, b->y - a->y);
        mass += length;
        mass_x += (int64_t)length * (a->x + b->x);
        mass_y += (int64_t)length * (a->y + b->y);
    }
    int middle = DIGITS_SIDE * PIXEL / 2, margin = radius + PIXEL;
    box = bounds(trace);
    int dx = keep_inside(middle - (int)(mass_x / (2 * mass)) + draw_around(draws, PIXEL), box.left, box.right, margin);
    int dy = keep_inside(middle - (int)(mass_y / (2 * mass)) + draw_around(draws, PIXEL), box.top, box.bottom, margin);
    for (int i = 0; i < trace->n; ++i) {
        trace->place[i].x += dx;
        trace->place[i].y += dy;
    }
}

/* The first pixel, within the picture, whose centre is at or after a coordinate. */
static int pixel_from(int position)
{
    int pixel = (position + PIXEL / 2 - 1) >> 8;
    return pixel < 0 ? 0 : pixel > DIGITS_SIDE ? DIGITS_SIDE : pixel;
}

/* A round spot: full ink up to the inner radius, none from the outer, falling with the square of the distance. */
static void stamp(uint8_t *image, int x, int y, int radius, int ink)
{
    int outer = radius + PIXEL * 6 / 10, inner = shape_max(radius - PIXEL * 4 / 10, 0);
    int outer2 = outer * outer, factor = (ink << 16) / (outer2 - inner * inner);
    int left = pixel_from(x - outer), right = pixel_from(x + outer);
    int bottom = pixel_from(y + outer);
    for (int row = pixel_from(y - outer); row < bottom; ++row) {
        int dy = row * PIXEL + PIXEL / 2 - y, rest = outer2 - dy * dy;
        uint8_t *pixel = image + row * DIGITS_SIDE;
        for (int column = left; column < right; ++column) {
            int dx = column * PIXEL + PIXEL / 2 - x, inside = rest - dx * dx;
            if (inside <= 0)
                continue;
            int64_t value = (int64_t)inside * factor >> 16;
            uint8_t shade = (uint8_t)(value > ink ? ink : value);
            pixel[column] = shade > pixel[column] ? shade : pixel[column];
        }
    }
}

static void draw_ink(const struct trace *trace, int radius, int ink, uint8_t *image)
{
    for (int i = 1; i < trace->n; ++i) {
        const struct place *a = &trace->place[i - 1], *b = &trace->place[i];
        if (b->lifted)
            continue;
        int n = rough_length(b->x - a->x, b->y - a->y) / (PIXEL * 3 / 8) + 1;
        for (int k = 0; k < n; ++k) {
            int weight = a->weight + (b->weight - a->weight) * k / n;
            int pressed = ink * (3 * ONE + weight) / (4 * ONE);
            stamp(image, a->x + (b->x - a->x) * k / n, a->y + (b->y - a->y) * k / n, radius * weight / ONE,
                  pressed > 255 ? 255 : pressed);
        }
    }
}

/* ---- Samples. ---------------------------------------------------------------------------------------------------- */

static const struct form *choose(struct draws *draws, int label)
{
    const struct form *form = forms[label];
    for (int at = draw_below(draws, 16) - form->share; at >= 0; at -= form->share)
        ++form;
    return form;
}

static void draw_sample(uint64_t seed, uint32_t index, int label, uint8_t *image /* (28,28) */)
{
    struct draws draws = {.key = {.seed = seed, .stream = PHILOX_DIGITS, .sample = index}};
    const struct form *form = choose(&draws, label);
    struct hand hand;
    draw_hand(&draws, &hand);
    struct trace trace = {0};
    struct point points[POINTS_MAX];
    const char *strokes = form->strokes;
    for (int n; (n = take_stroke(&strokes, points)) > 0;)
        trace_stroke(&draws, &hand, points, n, &trace);
    int radius = PIXEL * 12 / 10 + draw_around(&draws, PIXEL * 7 / 10);
    int ink = 240 + draw_below(&draws, 40);
    place_trace(&draws, radius, &trace);
    memset(image, 0, DIGITS_PIXELS);
    draw_ink(&trace, radius, ink, image);
}

/* The classes of samples 10 tens to 10 tens + 9 (Fisher and Yates). */
static void shuffle_labels(uint64_t seed, uint32_t tens, uint8_t order[N_CLASSES])
{
    struct draws draws = {.key = {.seed = seed, .stream = PHILOX_DIGITS, .epoch = 1, .sample = tens}};
    for (int i = 0; i < N_CLASSES; ++i)
        order[i] = (uint8_t)i;
    for (int i = N_CLASSES - 1; i > 0; --i) {
        int j = draw_below(&draws, i + 1);
        uint8_t held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
}

void digits_render(uint64_t seed, uint32_t first, size_t count, uint8_t *images, uint8_t *labels)
{
    uint8_t order[N_CLASSES];
    for (size_t i = 0; i < count; ++i) {
        uint32_t index = first + (uint32_t)i;
        if (i == 0 || index % N_CLASSES == 0)
            shuffle_labels(seed, index / N_CLASSES, order);
        labels[i] = order[index % N_CLASSES];
        draw_sample(seed, index, labels[i], images + i * DIGITS_PIXELS);
    }
}

enum dae_status digits_draw(uint64_t seed, uint32_t first, int64_t n, struct dataset *set, struct error *err)
{
    set->n = n;
    set->kind = DATASET_UINT8;
    set->shape = (struct dae_shape){.rank = 3, .dim = {DIGITS_SIDE, DIGITS_SIDE, 1}};
    set->values = malloc((size_t)n * DIGITS_PIXELS);
    set->labels = malloc((size_t)n);
    if (!set->values || !set->labels)
        return error_no_memory(err, "digits", (unsigned long long)n * (DIGITS_PIXELS + 1));
    digits_render(seed, first, (size_t)n, set->values, set->labels);
    return DAE_OK;
}
