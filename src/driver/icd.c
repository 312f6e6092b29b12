#include "driver/icd.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { MAX_BYTES = 64 << 10 };

static const char usual_place[] = "/etc/OpenCL/vendors";

static bool ends_with_icd(const char *name)
{
    const size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, ".icd") == 0;
}

const char *icd_name(const struct icd *icd)
{
    return icd->path[0] ? icd->path : icd->library;
}

/* The first line names the library. The loaders take it literally, including trailing spaces. */
static void read_library(struct icd *icd)
{
    char *text = NULL;
    size_t len;
    struct error err = {0};
    struct stat info;
    if (stat(icd->path, &info) == 0 && S_ISDIR(info.st_mode)) {
        snprintf(icd->problem, sizeof icd->problem, "it is a folder, not a file");
        return;
    }
    if (file_read(icd->path, MAX_BYTES, DAE_NO_DEVICE, &text, &len, &err) != DAE_OK) {
        if (err.status == DAE_NO_DEVICE)
            snprintf(icd->problem, sizeof icd->problem,
                     "it is not an .icd file: it is too large for the name of a library");
        else
            snprintf(icd->problem, sizeof icd->problem, "it cannot be read: %s",
                     access(icd->path, R_OK) < 0 ? strerror(errno) : "it is not a regular file");
        return;
    }
    const size_t line = strcspn(text, "\n");
    bool printable = true;
    for (size_t i = 0; i < line; ++i)
        printable = printable && isprint((unsigned char)text[i]);
    if (len == 0 || line == 0)
        snprintf(icd->problem, sizeof icd->problem, "it names no library: its first line is empty");
    else if (isspace((unsigned char)text[line - 1]))
        snprintf(icd->problem, sizeof icd->problem,
                 "its first line ends with a blank or a carriage return, which the loader treats as part of the name");
    else if (!printable || line >= sizeof icd->library)
        snprintf(icd->problem, sizeof icd->problem,
                 "it is not an .icd file: its first line is not the name of a library");
    else
        snprintf(icd->library, sizeof icd->library, "%.*s", (int)line, text);
    free(text);
}

static enum dae_status add(struct icd_list *list, const char *path, const char *library, struct error *err)
{
    struct icd *grown = realloc(list->icd, ((size_t)list->n + 1) * sizeof *grown);
    if (!grown)
        return error_no_memory(err, "driver list", ((size_t)list->n + 1) * sizeof *grown);
    list->icd = grown;
    struct icd *icd = &grown[list->n++];
    *icd = (struct icd){0};
    snprintf(icd->path, sizeof icd->path, "%s", path);
    snprintf(icd->library, sizeof icd->library, "%s", library);
    if (path[0])
        read_library(icd);
    return DAE_OK;
}

static int is_icd(const struct dirent *entry)
{
    return ends_with_icd(entry->d_name);
}

static enum dae_status read_folder(struct icd_list *list, struct error *err)
{
    struct dirent **entry = NULL;
    const int n = scandir(list->place, &entry, is_icd, alphasort);
    if (n < 0 && errno == ENOMEM)
        return error_no_memory(err, list->place, 0);
    if (n < 0)
        snprintf(list->problem, sizeof list->problem, "the folder %.160s: %s", list->place, strerror(errno));
    else if (n == 0)
        snprintf(list->problem, sizeof list->problem, "the folder %.160s contains no .icd file", list->place);
    enum dae_status status = DAE_OK;
    for (int i = 0; i < n; ++i) {
        char path[2 * ICD_PATH];
        snprintf(path, sizeof path, "%s/%s", list->place, entry[i]->d_name);
        if (status == DAE_OK)
            status = add(list, path, "", err);
        free(entry[i]);
    }
    free(entry);
    return status;
}

/* The value of OCL_ICD_VENDORS. A name without a slash is an .icd file of the usual folder, if it exists. */
static enum dae_status read_named(struct icd_list *list, const char *folder, struct error *err)
{
    struct stat info;
    char path[2 * ICD_PATH];
    if (stat(list->place, &info) == 0 && S_ISDIR(info.st_mode))
        return read_folder(list, err);
    if (!ends_with_icd(list->place)) {
        if (strchr(list->place, '/') && access(list->place, F_OK) < 0) {
            snprintf(list->problem, sizeof list->problem, "%.160s: %s", list->place, strerror(errno));
            return DAE_OK;
        }
        return add(list, "", list->place, err);
    }
    snprintf(path, sizeof path, "%s/%s", folder, list->place);
    if (!strchr(list->place, '/') && access(path, F_OK) == 0)
        return add(list, path, "", err);
    if (access(list->place, F_OK) < 0) {
        snprintf(list->problem, sizeof list->problem, "%.160s: %s", list->place, strerror(errno));
        return DAE_OK;
    }
    return add(list, list->place, "", err);
}

enum dae_status icd_list_read(struct icd_list *list, struct error *err)
{
    const char *vendors = getenv("OCL_ICD_VENDORS"), *folder = getenv("OPENCL_VENDOR_PATH");
    const bool moved = folder && folder[0];
    *list = (struct icd_list){0};
    if (!moved)
        folder = usual_place;
    enum dae_status status;
    if (vendors && vendors[0]) {
        list->variable = "OCL_ICD_VENDORS";
        snprintf(list->place, sizeof list->place, "%s", vendors);
        status = read_named(list, folder, err);
    } else {
        list->variable = moved ? "OPENCL_VENDOR_PATH" : NULL;
        snprintf(list->place, sizeof list->place, "%s", folder);
        status = read_folder(list, err);
    }
    if (status != DAE_OK)
        icd_list_release(list);
    return status;
}

void icd_list_release(struct icd_list *list)
{
    free(list->icd);
    *list = (struct icd_list){0};
}

enum dae_status icd_folder_make(const struct icd *const *icd, int n, char path[ICD_PATH], struct error *err)
{
    const char *place = getenv("TMPDIR");
    snprintf(path, ICD_PATH, "%s/dae-cl-icd-XXXXXX", place && place[0] ? place : "/tmp");
    if (!mkdtemp(path))
        return error_set(err, DAE_IO, "cannot create the folder %s: %s; set TMPDIR to a folder for temporary files",
                         path, strerror(errno));
    enum dae_status status = DAE_OK;
    for (int i = 0; i < n && status == DAE_OK; ++i) {
        char name[ICD_PATH + 32], line[ICD_PATH + 1];
        snprintf(name, sizeof name, "%s/%03d.icd", path, i);
        snprintf(line, sizeof line, "%s\n", icd[i]->library);
        FILE *file = fopen(name, "wx");
        const bool written = file && fputs(line, file) >= 0;
        if ((file && fclose(file) != 0) || !written)
            status = error_set(err, DAE_IO, "cannot write %s: %s; set TMPDIR to a folder for temporary files", name,
                               strerror(errno));
    }
    if (status != DAE_OK)
        icd_folder_remove(path);
    return status;
}

void icd_folder_remove(const char *path)
{
    char name[ICD_PATH + 32];
    for (int i = 0;; ++i) {
        snprintf(name, sizeof name, "%s/%03d.icd", path, i);
        if (unlink(name) < 0)
            break;
    }
    rmdir(path);
}
