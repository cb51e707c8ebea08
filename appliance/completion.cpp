// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/completion.h"

namespace ocu::appliance {

namespace {

// Words before the cursor: those with a dash are options, and what follows one of ctl's is its value, of which nothing is known here.
constexpr std::string_view kCtlBegin = R"("
  elif [ "${COMP_WORDS[1]}" = ctl ]; then
    for ((i = 2; i < COMP_CWORD; i++)); do
      word=${COMP_WORDS[i]}
      case $word in
        --json | --help) ;;
        -*) [ $((++i)) -lt "$COMP_CWORD" ] || return 0 ;;
        *) if [ -z "$command" ]; then command=$word; else verb=$word; fi ;;
      esac
    done
    case $command in
)";
constexpr std::string_view kEnd = R"(    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _ocu_appliance ocu-appliance
)";
constexpr std::string_view kOfEveryOne = "--socket --json --help";

std::string joined(auto const& texts, auto text_of)
{
    std::string out;
    for (auto const& each : texts) out.append(out.empty() ? "" : " ").append(text_of(each));
    return out;
}

}  // namespace

std::string bash_completion(std::span<std::string_view const> commands)
{
    std::string out = "_ocu_appliance() {\n  local word command= verb= i words=\n  COMPREPLY=()\n  if [ \"$COMP_CWORD\" = 1 ]; then\n    words=\"";
    out.append(joined(commands, [](std::string_view each) { return each; })).append(kCtlBegin);
    out.append("      '') words=\"").append(joined(kCtlWords, [](CtlWord const& each) { return each.command; }));
    out.append(" ").append(kOfEveryOne).append("\" ;;\n");
    for (auto const& each : kCtlWords) {
        out.append("      ").append(each.command).append(") words=\"").append(kOfEveryOne).append(" ").append(each.options).append("\"");
        if (!each.verbs.empty()) out.append("; [ -n \"$verb\" ] || words+=\" ").append(each.verbs).append("\"");
        out.append(" ;;\n");
    }
    return out.append(kEnd);
}

}  // namespace ocu::appliance
