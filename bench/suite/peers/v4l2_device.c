/* A camera for ustreamer where there is none: the calls on one device file are answered here.
 *
 * cc -shared -fPIC -O2 -o v4l2_device.so v4l2_device.c
 * FAKE_JPEG=a.jpg FAKE_FPS=30 LD_PRELOAD=./v4l2_device.so ustreamer --device /dev/fake-camera --format MJPEG --encoder HW
 *
 * It hands out the file FAKE_JPEG at FAKE_FPS frames a second. Where the file holds sixteen zeros in a row ("stamp"), each
 * frame has the time there at which it was taken, in microseconds since 1970: what viewers tell the delay by.
 * Written from the kernel's documentation of V4L2 (userspace-api/media/v4l). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PATH "/dev/fake-camera"
#define BUFFERS 8
#define STAMP 16

static int device = -1;
static unsigned char *jpeg, *buffers[BUFFERS];
static size_t length, stamp;
static unsigned width = 1920, height = 1080, sequence;
/* Buffers that wait to be filled, oldest first. */
static unsigned queue[BUFFERS], queued;

static void load(void) {
    FILE *file = fopen(getenv("FAKE_JPEG"), "rb");
    if (!file) abort();
    fseek(file, 0, SEEK_END);
    length = ftell(file);
    rewind(file);
    jpeg = malloc(length);
    if (fread(jpeg, 1, length, file) != length) abort();
    fclose(file);
    for (size_t at = 0; at + STAMP <= length; at++)
        if (!memcmp(jpeg + at, "0000000000000000", STAMP)) { stamp = at; break; }
    for (size_t at = 2; at + 9 < length && jpeg[at] == 0xFF; at += 2 + (jpeg[at + 2] << 8 | jpeg[at + 3]))
        if (jpeg[at + 1] >= 0xC0 && jpeg[at + 1] <= 0xC2) {
            height = jpeg[at + 5] << 8 | jpeg[at + 6];
            width = jpeg[at + 7] << 8 | jpeg[at + 8];
            break;
        }
}

static int open_device(void) {
    load();
    device = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    return device;
}

static int start(void) {
    double fps = atof(getenv("FAKE_FPS"));
    struct timespec interval = {(time_t)(1 / fps), (long)((1 / fps - (time_t)(1 / fps)) * 1e9)};
    struct itimerspec timer = {interval, interval};
    return timerfd_settime(device, 0, &timer, NULL);
}

static int take(struct v4l2_buffer *buffer) {
    uint64_t ticks;
    if (read(device, &ticks, sizeof ticks) != sizeof ticks || !queued) { errno = EAGAIN; return -1; }
    unsigned index = queue[0];
    memmove(queue, queue + 1, --queued * sizeof *queue);
    memcpy(buffers[index], jpeg, length);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (stamp) {
        char text[STAMP + 1];
        snprintf(text, sizeof text, "%016llu", now.tv_sec * 1000000ULL + now.tv_nsec / 1000);
        memcpy(buffers[index] + stamp, text, STAMP);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    buffer->index = index;
    buffer->bytesused = length;
    buffer->length = length;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->timestamp.tv_sec = now.tv_sec;
    buffer->timestamp.tv_usec = now.tv_nsec / 1000;
    buffer->sequence = sequence++;
    buffer->memory = V4L2_MEMORY_MMAP;
    return 0;
}

static int answer(unsigned long call, void *argument) {
    switch (call) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *capability = argument;
        memset(capability, 0, sizeof *capability);
        strcpy((char *)capability->driver, "fake");
        strcpy((char *)capability->card, "fake");
        capability->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_DEVICE_CAPS;
        capability->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    }
    case VIDIOC_S_INPUT:
        return 0;
    case VIDIOC_G_FMT:
    case VIDIOC_S_FMT:
    case VIDIOC_TRY_FMT: {
        struct v4l2_format *format = argument;
        format->fmt.pix.width = width;
        format->fmt.pix.height = height;
        format->fmt.pix.pixelformat = V4L2_PIX_FMT_MJPEG;
        format->fmt.pix.field = V4L2_FIELD_NONE;
        format->fmt.pix.bytesperline = 0;
        format->fmt.pix.sizeimage = length;
        return 0;
    }
    case VIDIOC_REQBUFS: {
        struct v4l2_requestbuffers *request = argument;
        if (request->count > BUFFERS) request->count = BUFFERS;
        queued = 0;
        return 0;
    }
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *buffer = argument;
        buffer->length = length;
        buffer->m.offset = (buffer->index + 1) << 24;
        return 0;
    }
    case VIDIOC_QBUF:
        if (queued < BUFFERS) queue[queued++] = ((struct v4l2_buffer *)argument)->index;
        return 0;
    case VIDIOC_DQBUF:
        return take(argument);
    case VIDIOC_STREAMON:
        return start();
    case VIDIOC_STREAMOFF:
        return 0;
    }
    errno = EINVAL;
    return -1;
}

int open(const char *path, int flags, ...) {
    static int (*next)(const char *, int, ...);
    if (!next) next = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    if (!strcmp(path, PATH)) return open_device();
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return next(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open(path, flags | O_LARGEFILE, mode);
}

int __open_2(const char *path, int flags) { return open(path, flags); }
int __open64_2(const char *path, int flags) { return open(path, flags | O_LARGEFILE); }

int ioctl(int handle, unsigned long call, ...) {
    static int (*next)(int, unsigned long, ...);
    if (!next) next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    va_list arguments;
    va_start(arguments, call);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return handle == device && device >= 0 ? answer((unsigned)call, argument) : next(handle, call, argument);
}

void *mmap(void *address, size_t len, int protection, int flags, int handle, off_t offset) {
    static void *(*next)(void *, size_t, int, int, int, off_t);
    if (!next) next = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
    if (handle != device || device < 0) return next(address, len, protection, flags, handle, offset);
    void *memory = next(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned index = (offset >> 24) - 1;
    if (memory != MAP_FAILED && index < BUFFERS) buffers[index] = memory;
    return memory;
}

void *mmap64(void *address, size_t len, int protection, int flags, int handle, off_t offset) {
    return mmap(address, len, protection, flags, handle, offset);
}

int access(const char *path, int mode) {
    static int (*next)(const char *, int);
    if (!next) next = (int (*)(const char *, int))dlsym(RTLD_NEXT, "access");
    return strcmp(path, PATH) ? next(path, mode) : 0;
}
