/* dae-probe: finds out what one OpenCL driver does when it is used. The library starts it for each driver that it does
 * not know, because a process with threads cannot fork safely. Its arguments are the driver's library and the folder of
 * .icd files that the loader is limited to, or "". */
#include <stdio.h>

#include "driver/probe.h"

int main(int argc, char **argv)
{
    if (!probe_serve(argc, argv))
        fputs("dae-probe: it is started by libdae; type dae-cl doctor to test drivers\n", stderr);
    return DAE_CONFIG;
}
