/* The symbolic names of OpenCL and CLBlast codes, for messages. */
#ifndef DEVICE_CL_STATUS_H
#define DEVICE_CL_STATUS_H

/* "CL_OUT_OF_RESOURCES (-5)"; static storage per thread, valid until the next call. */
const char *cl_status_text(int code);

#endif
