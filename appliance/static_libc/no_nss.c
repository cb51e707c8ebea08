/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A static program must not reach glibc's name service, gconv or dlopen: they would load shared objects of whatever host it runs on.
   Defined here to fail, these names keep libc's own out of the link; --wrap=dlopen and fatal link warnings keep that honest. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    (void)node, (void)service, (void)hints;
    *result = NULL;
    return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list) { (void)list; }

int getnameinfo(const struct sockaddr *address, socklen_t size, char *host, socklen_t host_size, char *service, socklen_t service_size, int flags)
{
    (void)address, (void)size, (void)host, (void)host_size, (void)service, (void)service_size, (void)flags;
    return EAI_FAIL;
}

struct hostent *gethostbyname(const char *name)
{
    (void)name;
    return NULL;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
    (void)name, (void)protocol;
    return NULL;
}

int getservbyname_r(const char *name, const char *protocol, struct servent *entry, char *buffer, size_t size, struct servent **result)
{
    (void)name, (void)protocol, (void)entry, (void)buffer, (void)size;
    *result = NULL;
    return ENOENT;
}

int getservbyport_r(int port, const char *protocol, struct servent *entry, char *buffer, size_t size, struct servent **result)
{
    (void)port, (void)protocol, (void)entry, (void)buffer, (void)size;
    *result = NULL;
    return ENOENT;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **result)
{
    (void)name, (void)entry, (void)buffer, (void)size;
    *result = NULL;
    return 0;
}

int getpwuid_r(uid_t id, struct passwd *entry, char *buffer, size_t size, struct passwd **result)
{
    (void)id, (void)entry, (void)buffer, (void)size;
    *result = NULL;
    return 0;
}

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **result)
{
    (void)name, (void)entry, (void)buffer, (void)size;
    *result = NULL;
    return 0;
}

int getgrgid_r(gid_t id, struct group *entry, char *buffer, size_t size, struct group **result)
{
    (void)id, (void)entry, (void)buffer, (void)size;
    *result = NULL;
    return 0;
}

struct passwd *getpwnam(const char *name)
{
    (void)name;
    return NULL;
}

struct passwd *getpwuid(uid_t id)
{
    (void)id;
    return NULL;
}

struct group *getgrgid(gid_t id)
{
    (void)id;
    return NULL;
}

struct protoent *getprotobyname(const char *name)
{
    (void)name;
    return NULL;
}

struct protoent *getprotobynumber(int number)
{
    (void)number;
    return NULL;
}

/* Named by libfuse's low level; its real home would bring the high level, dlopen and iconv with it. */
void cuse_lowlevel_init(void) {}

void *__wrap_dlopen(const char *file, int mode)
{
    (void)file, (void)mode;
    return NULL;
}
