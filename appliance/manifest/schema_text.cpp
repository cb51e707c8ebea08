// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/schema.h"

namespace ocu::manifest {

std::string_view schema_text()
{
    return R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "ocu-manifest/1",
  "title": "ocu-appliance manifest",
  "description": "Everything that one appliance is told. Signed beside it: manifest.json.minisig. A section that is {} or absent has its defaults.",
  "type": "object",
  "additionalProperties": false,
  "required": ["schema", "serial"],
  "properties": {
    "schema": {"const": "ocu-manifest/1", "type": "string"},
    "serial": {"type": "integer", "minimum": 1, "maximum": 9007199254740991, "description": "Rises with every change."},
    "appliance": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "name": {"type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", "default": "ocu-appliance"},
        "profile": {"type": "string", "enum": ["trusted_operator", "internal_workforce", "untrusted"], "default": "internal_workforce",
          "description": "Who drives the agent."},
        "tier": {"type": "string", "enum": ["runc", "gvisor"], "description": "Default: runc for trusted_operator, gvisor otherwise."},
        "console": {"x-not-yet": "there is no console yet"}
      }
    },
    "network": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "interfaces": {
          "type": ["array", "object"], "maxItems": 8, "additionalProperties": false,
          "description": "The booted machine's network; none: DHCP on its only card. A program on somebody's host leaves that host's network alone.",
          "items": {
            "type": "object", "additionalProperties": false, "required": ["name"],
            "properties": {
              "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$"},
              "role": {"type": "string", "enum": ["service", "operator"], "default": "service"},
              "mac": {"type": "string", "pattern": "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$", "description": "The card, by its own address."},
              "device": {"type": "string", "pattern": "^[a-z][a-z0-9]{0,14}$", "description": "The card, by the kernel's name."},
              "bond": {"type": "array", "maxItems": 8, "description": "Cards that stand in for each other (active-backup), by mac or device.",
                "items": {"type": "string", "pattern": "^([0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}|[a-z][a-z0-9]{0,14})$"}},
              "vlan": {"type": "integer", "minimum": 1, "maximum": 4094},
              "addresses": {"type": ["string", "array"], "pattern": "^dhcp$", "maxItems": 4, "default": "dhcp",
                "items": {"type": "string", "pattern": "^[0-9a-fA-F:.]{2,45}/[0-9]{1,3}$"}},
              "gateway": {"type": "string", "pattern": "^[0-9.]{7,15}$"},
              "gateway6": {"type": "string", "pattern": "^[0-9a-fA-F:.]{2,45}$"},
              "mtu": {"type": "integer", "minimum": 576, "maximum": 9216, "default": 1500}
            }
          }
        },
        "dns": {"type": ["array", "object"], "maxItems": 8, "additionalProperties": false,
          "items": {"type": "string", "pattern": "^[0-9a-fA-F:.]{2,45}$"}, "description": "Numeric; who resolves what sandboxes may reach, also for a program on somebody's host. What a DHCP server says is not used."},
        "time": {
          "type": ["array", "object"], "maxItems": 4, "additionalProperties": false,
          "items": {
            "type": "object", "additionalProperties": false, "required": ["host", "address", "ca"],
            "properties": {
              "host": {"type": "string", "pattern": "^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$", "description": "As in the server's certificate."},
              "address": {"type": "string", "pattern": "^[0-9a-fA-F:.]{2,45}$", "description": "Numeric: no name is resolved for the time."},
              "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 4460},
              "ca": {"type": "string", "minLength": 1, "maxLength": 16384, "description": "PEM: who signs the server's certificate."}
            }
          }
        },
        "not_before": {"type": ["string", "integer"], "minimum": 0, "maximum": 253402300799, "maxLength": 40,
          "description": "A moment that has passed when this is signed: RFC 3339 or Unix seconds. The clock is never taken to be earlier."}
      }
    },
    "mcp": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "listen": {"type": "string", "pattern": "^([0-9.]{7,15}|\\[[0-9a-fA-F:.]{2,45}\\]):[0-9]{1,5}$", "default": "127.0.0.1:8811"},
        "tls": {
          "type": ["boolean", "object"], "additionalProperties": false, "required": ["certificate", "key"],
          "description": "true: with the machine's own key (default; false on a loopback address). An object brings an identity, which files uses too.",
          "properties": {
            "certificate": {"type": "string", "minLength": 1, "maxLength": 16384, "description": "PEM, leaf first, then those that signed it."},
            "key": {"type": "string", "minLength": 1, "maxLength": 12288, "description": "Its private key in PEM, sealed: manifest seal --to appliance.pub"}
          }
        },
        "hosts": {"type": "array", "maxItems": 64, "items": {"type": "string", "pattern": "^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$"},
          "description": "Names under which clients reach the endpoint; accepted in Host."},
        "origins": {"type": "array", "maxItems": 64, "items": {"type": "string", "pattern": "^https?://[A-Za-z0-9.:-]{1,255}$"},
          "description": "Web pages whose scripts may call; accepted in Origin."},
        "chat_id": {"type": "string", "enum": ["optional", "required"], "default": "optional"},
        "callers": {
          "type": ["array", "object"], "maxItems": 4096, "additionalProperties": false,
          "items": {
            "type": "object", "additionalProperties": false, "required": ["name", "key_hash"],
            "properties": {
              "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"},
              "key_hash": {"type": "string", "pattern": "^sha256:[0-9a-f]{32}:[0-9a-f]{64}$",
                "description": "sha256:SALT:SHA-256 of the salt's 16 bytes and the key's text"},
              "oauth": {"x-not-yet": "callers have keys; there is no OAuth yet"}
            }
          }
        },
        "policy": {
          "type": ["array", "object"], "maxItems": 64, "additionalProperties": false,
          "description": "Who may do what. None: every caller may use every tool. One or more: what no rule allows is denied.",
          "items": {
            "type": "object", "additionalProperties": false, "required": ["callers", "tools"],
            "properties": {
              "callers": {"type": "array", "maxItems": 64, "items": {"type": "string", "pattern": "^([*]|[A-Za-z0-9][A-Za-z0-9._-]{0,62})$"},
                "description": "Names of mcp.callers; [\"*\"]: every one."},
              "tools": {"type": "array", "maxItems": 16, "items": {"type": "string", "pattern": "^([*]|[a-z_/]{1,31})$"},
                "description": "Tools, resources/list, resources/read; [\"*\"]: all."},
              "arguments": {"type": "object", "description": "Patterns of an argument, one of which it must fit: path alone.",
                "additionalProperties": {"type": "array", "maxItems": 16, "items": {"type": "string", "minLength": 1, "maxLength": 127}}}
            }
          }
        },
        "limits": {
          "type": "object", "additionalProperties": false,
          "properties": {
            "connections": {"type": "integer", "minimum": 1, "maximum": 16384, "default": 2048},
            "calls_per_caller": {"type": "integer", "minimum": 1, "maximum": 1024, "default": 32},
            "calls_per_session": {"type": "integer", "minimum": 1, "maximum": 256, "default": 16},
            "calls_per_minute": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 6000},
            "sessions_per_caller": {"type": "integer", "minimum": 1, "maximum": 1024, "default": 32},
            "creates_per_minute": {"type": "integer", "minimum": 1, "maximum": 60000, "default": 600},
            "tool_timeout_s": {"type": "integer", "minimum": 1, "maximum": 3600, "default": 120},
            "tool_timeout_max_s": {"type": "integer", "minimum": 1, "maximum": 3600, "default": 600}
          }
        }
      }
    },
    "operators": {
      "type": ["array", "object"], "maxItems": 64, "additionalProperties": false,
      "items": {
        "type": "object", "additionalProperties": false, "required": ["name", "uid"],
        "properties": {
          "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"},
          "uid": {"type": "integer", "minimum": 1, "maximum": 883999, "x-why": "root always is one, and the helpers never are",
            "description": "The user on this host who may use the operator socket."},
          "public_key": {"x-not-yet": "operators come by the local socket only"},
          "oidc_subject": {"x-not-yet": "there is no OIDC yet"},
          "roles": {"x-not-yet": "every operator may do everything"}
        }
      }
    },
    "oidc": {"x-not-yet": "there is no OIDC yet"},
    "egress": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "rules": {
          "type": ["array", "object"], "maxItems": 256, "additionalProperties": false, "description": "What a sandbox may reach. None: nothing.",
          "items": {
            "type": "object", "additionalProperties": false, "required": ["name"],
            "properties": {
              "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"},
              "hosts": {"type": "array", "maxItems": 64, "items": {"type": "string", "minLength": 1, "maxLength": 255},
                "description": "Names; *.example.com is every name below example.com."},
              "addresses": {"type": "array", "maxItems": 16, "items": {"type": "string", "pattern": "^[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?$"},
                "description": "With hosts: where they may resolve to, private or not. Without: what may be dialled by address."},
              "ports": {"type": "array", "maxItems": 32, "items": {"type": "integer", "minimum": 1, "maximum": 65535}, "description": "Default: 443 and 80."},
              "rung": {"type": "string", "enum": ["passthrough", "bump"], "default": "passthrough",
                "description": "passthrough: TLS goes through unseen. bump: it is ended here, and each request is looked at."},
              "methods": {"type": "array", "maxItems": 16, "items": {"type": "string", "pattern": "^[A-Z]{1,32}$"}, "description": "Default: all."},
              "paths": {"type": "array", "maxItems": 64, "items": {"type": "string", "pattern": "^/[!-~]{0,511}$"},
                "description": "Exact, or with a * at the end. Default: all."},
              "inject": {
                "type": "object", "additionalProperties": false,
                "properties": {
                  "credential": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"},
                  "as": {"type": "string", "enum": ["header", "client_certificate"], "default": "header",
                    "description": "client_certificate: shown in the TLS to the upstream; the header with the token is removed."},
                  "header": {"type": "string", "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$", "default": "authorization"},
                  "format": {"type": "string", "pattern": "^[ -~]{1,128}$", "default": "Bearer {}",
                    "description": "{} is the credential. {basic} alone: Basic authentication with user:password."},
                  "environment": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]{0,63}$",
                    "description": "The guest's variable that holds its token. Default: OCU_TOKEN_ and the rule's name."},
                  "source": {
                    "type": "object", "additionalProperties": false, "description": "Who is asked for the credential, which is then not in credentials[].",
                    "properties": {
                      "unix": {"type": "string", "pattern": "^/[!-~]{1,106}$", "description": "A socket on this host."},
                      "endpoint": {"type": "string", "pattern": "^https://[^/ ]{1,260}$", "description": "HOST[:PORT], by mutual TLS."},
                      "addresses": {"type": "array", "maxItems": 16, "items": {"type": "string", "pattern": "^[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?$"},
                        "description": "Where the endpoint's name may resolve to. Without: public addresses."},
                      "ca": {"type": "string", "maxLength": 16384, "description": "PEM: the only roots that are believed there."},
                      "client": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
                        "description": "A client_certificate of credentials[]: who asks."}
                    }
                  }
                }
              },
              "icap": {
                "type": "object", "additionalProperties": false, "description": "Who is shown each request and answer, and may change or refuse it.",
                "properties": {
                  "request": {"type": "string", "pattern": "^icap://[^/ ]{2,64}/[A-Za-z0-9._~/?=&-]{1,128}$", "description": "REQMOD."},
                  "response": {"type": "string", "pattern": "^icap://[^/ ]{2,64}/[A-Za-z0-9._~/?=&-]{1,128}$", "description": "RESPMOD."},
                  "preview": {"type": "integer", "minimum": 0, "maximum": 4096, "default": 1024, "description": "Bytes of a body that are sent first."}
                }
              },
              "budget": {
                "type": "object", "additionalProperties": false,
                "properties": {"session_mib": {"type": "integer", "minimum": 1, "maximum": 1048576, "description": "Both ways, for each session."}}
              }
            }
          }
        },
        "chained_proxy": {
          "type": "object", "additionalProperties": false, "description": "The HTTP proxy by which everything goes out. None: upstreams are dialled.",
          "properties": {
            "host": {"type": "string", "minLength": 1, "maxLength": 253, "description": "A name, or a numeric address."},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "names": {"type": "string", "enum": ["ours", "proxy"], "default": "ours",
              "description": "Who resolves names. proxy: where it leads is judged by the proxy alone."},
            "direct": {"type": "array", "maxItems": 16, "items": {"type": "string", "pattern": "^[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?$"},
              "description": "Addresses that are dialled without it."}
          }
        },
        "ca_bundle": {"type": ["string", "object"], "maxLength": 262144, "additionalProperties": false,
          "description": "PEM: whose upstream certificates are believed besides those of the public roots."},
        "contact": {"type": "string", "pattern": "^[ -~]{1,200}$", "description": "Whom a refused program may ask for a rule: a sandbox reads it."},
        "tripwire": {
          "type": "object", "additionalProperties": false, "description": "What a session does before somebody is told.",
          "properties": {
            "session_mib": {"type": "integer", "minimum": 1, "maximum": 1048576},
            "destinations": {"type": "integer", "minimum": 1, "maximum": 1000000},
            "connections_per_minute": {"type": "integer", "minimum": 1, "maximum": 1000000},
            "action": {"type": "string", "enum": ["report", "kill"], "default": "report"},
            "webhook": {
              "type": "object", "additionalProperties": false, "required": ["url", "key"],
              "description": "Who is told of it, besides the record: one signed POST each (docs/formats/webhook.md).",
              "properties": {
                "url": {"type": "string", "maxLength": 512,
                  "pattern": "^https?://(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?([/?][A-Za-z0-9._~!$&()*+,;=:@%/?-]*)?$",
                  "description": "https; http only to a numeric loopback address."},
                "ca": {"type": "string", "minLength": 1, "maxLength": 65536,
                  "description": "PEM: the only one whose certificate is believed there. Without it: the public roots and ca_bundle."},
                "addresses": {"type": "array", "maxItems": 16, "items": {"type": "string", "minLength": 1, "maxLength": 64},
                  "description": "Where the name may lead, be it private or not; without it to public addresses only."},
                "key": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", "description": "Of credentials[]: signs, and is lent to nobody."}
              }
            }
          }
        }
      }
    },
    "credentials": {
      "type": ["array", "object"], "maxItems": 64, "additionalProperties": false,
      "items": {
        "type": "object", "additionalProperties": false, "required": ["name", "sealed"],
        "properties": {
          "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"},
          "kind": {"type": "string", "enum": ["value", "client_certificate"], "default": "value",
            "description": "client_certificate: a PEM chain, leaf first, and its P-256 private key."},
          "sealed": {"type": "string", "minLength": 1, "maxLength": 12288, "description": "manifest seal --to appliance.pub"}
        }
      }
    },
    "storage": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "engine": {"type": "string", "enum": ["local", "s3"], "default": "local"},
        "s3": {
          "type": "object", "additionalProperties": false, "description": "With engine s3: where session files lie, sealed (docs/operating/s3.md).",
          "properties": {
            "endpoint": {"type": "string", "pattern": "^https?://[^/?#@ ]{1,262}$", "description": "https://NAME[:PORT]; http only with plain."},
            "plain": {"type": "boolean", "default": false, "description": "true: without TLS."},
            "addresses": {"type": "array", "maxItems": 8, "items": {"type": "string", "pattern": "^[0-9a-fA-F:.]{2,45}$"},
              "description": "Numeric: what is connected to. No name is resolved for the store."},
            "region": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$", "default": "us-east-1"},
            "bucket": {"type": "string", "pattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"},
            "prefix": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$", "description": "This appliance's alone: what is below it is removed."},
            "path_style": {"type": "boolean", "default": false, "description": "true: the bucket in the path, not before the endpoint's name."},
            "credential": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
              "description": "Of credentials[]: ACCESS_KEY_ID:SECRET_ACCESS_KEY, for this and nothing else."},
            "ca": {"type": "string", "minLength": 1, "maxLength": 65536,
              "description": "PEM: the only one whose certificate is believed there. Without it: egress.ca_bundle."}
          }
        },
        "limits": {
          "type": "object", "additionalProperties": false,
          "properties": {
            "file_mib": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 1024},
            "session_mib": {"type": "integer", "minimum": 1, "maximum": 65536, "default": 4096}
          }
        }
      }
    },
    "files": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "listen": {"type": "string", "pattern": "^([0-9.]{7,15}|\\[[0-9a-fA-F:.]{2,45}\\]):[0-9]{1,5}$", "default": "127.0.0.1:8812"},
        "tls": {"type": "boolean", "description": "Default: true, but false on a loopback address."},
        "embed": {
          "type": "object", "additionalProperties": false,
          "properties": {
            "keys": {
              "type": "array", "maxItems": 64,
              "description": "Web applications that embed the page: each makes embed tokens for the callers that it names, and can do nothing else.",
              "items": {
                "type": "object", "additionalProperties": false, "required": ["name", "key_hash", "callers"],
                "properties": {
                  "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"},
                  "key_hash": {"type": "string", "pattern": "^sha256:[0-9a-f]{32}:[0-9a-f]{64}$"},
                  "callers": {"type": "array", "maxItems": 4096, "items": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"}}
                }
              }
            },
            "ancestors": {"type": "array", "maxItems": 64, "items": {"type": "string", "pattern": "^https?://[A-Za-z0-9.:-]{1,240}$"},
              "description": "Web pages that may show the files page in a frame."}
          }
        },
        "withhold": {"type": "array", "maxItems": 64, "items": {"type": "string", "minLength": 1, "maxLength": 256},
          "description": "Files that may not leave their session, by path: uploads/**/*.key, outputs/raw/*. * is any part of a name, ** any number of directories."},
        "limits": {
          "type": "object", "additionalProperties": false,
          "properties": {
            "upload_mib": {"type": "integer", "minimum": 1, "maximum": 1048576, "default": 50},
            "requests_per_minute": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 6000, "description": "Of one caller, its browsers included."},
            "transfers_per_caller": {"type": "integer", "minimum": 1, "maximum": 1024, "default": 16, "description": "Requests for files under way at once."}
          }
        },
        "types": {
          "type": "object", "additionalProperties": false,
          "description": "Media types, as they are sniffed, that may be uploaded and that outputs are given out of. deny wins; an empty allow allows all.",
          "properties": {
            "uploads": {
              "type": "object", "additionalProperties": false,
              "properties": {
                "allow": {"type": "array", "maxItems": 64, "items": {"type": "string", "pattern": "^[a-z]{1,32}/([*]|[a-z0-9.+-]{1,60})$"}},
                "deny": {"type": "array", "maxItems": 64, "items": {"type": "string", "pattern": "^[a-z]{1,32}/([*]|[a-z0-9.+-]{1,60})$"}}
              }
            },
            "outputs": {
              "type": "object", "additionalProperties": false,
              "properties": {
                "allow": {"type": "array", "maxItems": 64, "items": {"type": "string", "pattern": "^[a-z]{1,32}/([*]|[a-z0-9.+-]{1,60})$"}},
                "deny": {"type": "array", "maxItems": 64, "items": {"type": "string", "pattern": "^[a-z]{1,32}/([*]|[a-z0-9.+-]{1,60})$"}}
              }
            }
          }
        }
      }
    },
    "sandbox": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "rootfs": {"type": "string", "enum": ["minimal", "standard", "full"], "default": "minimal"},
        "limits": {
          "type": "object", "additionalProperties": false,
          "properties": {
            "sessions": {"type": "integer", "minimum": 1, "maximum": 1024, "default": 64},
            "memory_mib": {"type": "integer", "minimum": 64, "maximum": 1048576, "default": 2048},
            "pids": {"type": "integer", "minimum": 16, "maximum": 32768, "default": 512},
            "cpu_percent": {"type": "integer", "minimum": 10, "maximum": 25600, "default": 200},
            "scratch_mib": {"type": "integer", "minimum": 16, "maximum": 1048576, "default": 1024},
            "scratch_inodes": {"type": "integer", "minimum": 1024, "maximum": 100000000, "default": 200000},
            "output_kib": {"type": "integer", "minimum": 64, "maximum": 65536, "default": 8192},
            "disk_mib_per_s": {"type": "integer", "minimum": 1, "maximum": 1048576, "default": 512,
              "description": "From each disk, and as much to it. Named: a host without the cgroup controller (io, blkio) starts no sandbox."},
            "disk_operations_per_s": {"type": "integer", "minimum": 16, "maximum": 100000000, "default": 20000},
            "idle_s": {"type": "integer", "minimum": 0, "maximum": 900, "x-why": "a session is idle for 15 minutes at most",
              "description": "Default: 0 (off) for trusted_operator, 900 otherwise."},
            "absolute_s": {"type": "integer", "minimum": 0, "maximum": 43200, "x-why": "a session lives for 12 hours at most",
              "description": "Default: 0 (off) for trusted_operator, 43200 otherwise."}
          }
        },
        "warm_pool": {"type": "integer", "minimum": 0, "maximum": 64, "default": 0, "x-why": "64 sandboxes are kept ready at most",
          "description": "Sandboxes that are kept ready, of no caller until one asks; each takes memory and, until callers need it, a slot of limits.sessions."},
        "mounts": {
          "type": "array", "maxItems": 8, "description": "Directories that the operator ships, read-only in every sandbox at /mnt/ocu/NAME.",
          "items": {
            "type": "object", "additionalProperties": false, "required": ["name", "sha256"],
            "properties": {
              "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,31}$", "description": "The file is NAME.erofs."},
              "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Of the file: another one is refused."}
            }
          }
        }
      }
    },
    "audit": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "retention_days": {"type": "integer", "minimum": 2555, "maximum": 36500, "default": 2557,
          "x-why": "the record is kept for 7 years at least: 2557 days with two leap days, which a lower number means too"},
        "hot_days": {"type": "integer", "minimum": 30, "maximum": 36500, "x-why": "a record stays on this machine for 30 days at least",
          "description": "With cold: after so long what it holds may go from here. Default: it stays for retention_days."},
        "cold": {
          "type": "object", "additionalProperties": false, "required": ["endpoint", "bucket", "prefix", "credential"],
          "description": "A bucket with S3 Object Lock that sealed segments are put into (docs/operating/cold-tier.md).",
          "properties": {
            "endpoint": {"type": "string", "pattern": "^https?://[^/?#@ ]{1,262}$", "description": "https://NAME[:PORT]; http only with plain."},
            "plain": {"type": "boolean", "default": false, "description": "true: without TLS."},
            "addresses": {"type": "array", "maxItems": 8, "items": {"type": "string", "pattern": "^[0-9a-fA-F:.]{2,45}$"},
              "description": "Numeric: what is connected to. No name is resolved for it."},
            "region": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$", "default": "us-east-1"},
            "bucket": {"type": "string", "pattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"},
            "prefix": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$", "description": "This appliance's alone."},
            "path_style": {"type": "boolean", "default": false, "description": "true: the bucket in the path, not before the endpoint's name."},
            "credential": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
              "description": "Of credentials[]: ACCESS_KEY_ID:SECRET_ACCESS_KEY, for this and nothing else."},
            "ca": {"type": "string", "minLength": 1, "maxLength": 65536,
              "description": "PEM: the only one whose certificate is believed there. Without it: egress.ca_bundle."},
            "mode": {"type": "string", "enum": ["compliance", "governance"], "default": "compliance",
              "description": "governance: who has the right to can remove what is locked. For trials."}
          }
        },
        "sinks": {
          "type": "array", "maxItems": 8, "description": "Where the record is copied to, besides the audit directory (docs/formats/audit-sinks.md).",
          "items": {
            "type": "object", "additionalProperties": false, "required": ["name", "kind"],
            "properties": {
              "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,30}$"},
              "kind": {"type": "string", "enum": ["file", "syslog", "https"]},
              "format": {"type": "string", "enum": ["ocsf", "ecs", "cef"], "default": "ocsf"},
              "rotate_mib": {"type": "integer", "minimum": 1, "maximum": 1024, "default": 64, "description": "file: when the next one is begun."},
              "files": {"type": "integer", "minimum": 2, "maximum": 1000, "default": 8, "description": "file: the oldest is removed."},
              "host": {"type": "string", "pattern": "^[^/?#@ ]{1,262}$", "description": "syslog: NAME[:PORT], over TLS; port 6514 if none is said."},
              "url": {"type": "string", "maxLength": 512,
                "pattern": "^https://(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?([/?][A-Za-z0-9._~!$&()*+,;=:@%/?-]*)?$"},
              "shape": {"type": "string", "enum": ["plain", "splunk-hec"], "default": "plain", "description": "https: of the request's body."},
              "authorization": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
                "description": "https: of credentials[]; stands in Authorization, after Bearer or Splunk."},
              "client_certificate": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
                "description": "syslog, https: of credentials[]; a receiver that does not ask for it is not spoken with."},
              "ca": {"type": "string", "minLength": 1, "maxLength": 65536,
                "description": "PEM: the only one whose certificate is believed there. Without it: the public roots and ca_bundle."},
              "addresses": {"type": "array", "maxItems": 16, "items": {"type": "string", "minLength": 1, "maxLength": 64},
                "description": "Where the name may lead, be it private or not; without it to public addresses only."}
            }
          }
        },
        "transparency_log": {
          "type": "array", "maxItems": 4, "description": "Witnesses (C2SP tlog-witness) that are shown the record's head (docs/formats/audit.md).",
          "items": {
            "type": "object", "additionalProperties": false, "required": ["name", "url", "key"],
            "properties": {
              "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,30}$"},
              "url": {"type": "string", "maxLength": 512, "description": "Without add-checkpoint at its end.",
                "pattern": "^https://(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&()*+,;=:@%/-]*)?$"},
              "key": {"type": "string", "minLength": 1, "maxLength": 320, "description": "Its verifier key: NAME+ID+BASE64, cosignature/v1 with Ed25519."},
              "interval_s": {"type": "integer", "minimum": 60, "maximum": 604800, "default": 86400, "x-why": "a witness sees a head once a minute at most, and once a week at least",
                "description": "How often it is shown one; also at each start."},
              "client_certificate": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
                "description": "Of credentials[]; a witness that does not ask for it is not spoken with."},
              "ca": {"type": "string", "minLength": 1, "maxLength": 65536,
                "description": "PEM: the only one whose certificate is believed there. Without it: the public roots and ca_bundle."},
              "addresses": {"type": "array", "maxItems": 16, "items": {"type": "string", "minLength": 1, "maxLength": 64},
                "description": "Where the name may lead, be it private or not; without it to public addresses only."}
            }
          }
        },
        "watermark": {"type": "integer", "minimum": 10, "maximum": 95, "default": 80,
          "x-why": "percent of the record's disk that may be used before an alarm: it must ring long before the disk is full"}
      }
    },
    "soar": {"x-not-yet": "there is no SOAR interface yet"},
    "update": {"x-not-yet": "there is no offline update yet"}
  }
}
)json";
}

}  // namespace ocu::manifest
