/* Denoises a grey image (binary PGM, 8 bits) with a trained model:
 *     cc denoise.c $(pkg-config --cflags --libs dae-cl) -o denoise
 *     ./denoise model.safetensors noisy.pgm clean.pgm */
#include <stdio.h>
#include <stdlib.h>

#include <dae/dae.h>

int main(int argc, char **argv)
{
    struct dae_context *context = NULL;
    struct dae_model *model = NULL;
    struct dae_image image = {0};
    enum dae_status status = DAE_OK;
    long height = 0, width = 0;
    FILE *in = argc == 4 ? fopen(argv[2], "rb") : NULL, *out;
    if (!in || fscanf(in, "P5 %ld %ld 255", &width, &height) != 2 || fgetc(in) == EOF || height < 1 || width < 1)
        return fprintf(stderr, "usage: denoise MODEL IN.pgm OUT.pgm\n"), 2;
    image.size = sizeof image;
    image.bytes = (size_t)height * (size_t)width;
    image.data = malloc(image.bytes);
    image.element = DAE_U8;
    image.rank = 4; /* one image: n, height, width, channels */
    image.shape[0] = image.shape[3] = 1;
    image.shape[1] = height;
    image.shape[2] = width;
    if (!image.data || fread(image.data, 1, image.bytes, in) != image.bytes)
        return fprintf(stderr, "denoise: %s ends too early\n", argv[2]), 4;
    fclose(in);
    if ((status = dae_open(NULL, &context)) != DAE_OK ||
        (status = dae_model_load(context, argv[1], &model)) != DAE_OK ||
        (status = dae_denoise(model, &image, &image)) != DAE_OK)
        fprintf(stderr, "denoise: %s\n", dae_error(context));
    dae_model_close(model);
    dae_close(context);
    out = status == DAE_OK ? fopen(argv[3], "wb") : NULL;
    if (status == DAE_OK && (!out || fprintf(out, "P5\n%ld %ld\n255\n", width, height) < 0 ||
                             fwrite(image.data, 1, image.bytes, out) != image.bytes || fclose(out) != 0)) {
        fprintf(stderr, "denoise: cannot write %s\n", argv[3]);
        status = DAE_IO;
    }
    free(image.data);
    return (int)status;
}
