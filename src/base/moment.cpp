// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/moment.h"

#include <chrono>

namespace ocu {

namespace {

// Takes fixed-width numbers and single letters off the front; once something did not fit, nothing does.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    int number(std::size_t digits)
    {
        int value = 0;
        if (text_.size() < digits) good_ = false;
        for (std::size_t i = 0; good_ && i < digits; ++i) {
            if (text_[i] < '0' || text_[i] > '9') good_ = false;
            value = value * 10 + (text_[i] - '0');
        }
        if (good_) text_.remove_prefix(digits);
        return value;
    }
    bool take(std::string_view any_of)
    {
        if (!good_ || text_.empty() || !any_of.contains(text_.front())) return false;
        text_.remove_prefix(1);
        return true;
    }
    void need(std::string_view any_of) { good_ = take(any_of) && good_; }
    bool good() const { return good_; }
    bool at_end() const { return text_.empty(); }

private:
    std::string_view text_;
    bool good_ = true;
};

}  // namespace

Result<std::int64_t> parse_moment(std::string_view text)
{
    Reader reader(text);
    auto const year = std::chrono::year(reader.number(4));
    reader.need("-");
    auto const month = std::chrono::month(static_cast<unsigned>(reader.number(2)));
    reader.need("-");
    std::chrono::year_month_day const date(year, month, std::chrono::day(static_cast<unsigned>(reader.number(2))));
    reader.need("Tt ");
    int const hour = reader.number(2);
    reader.need(":");
    int const minute = reader.number(2);
    reader.need(":");
    int const second = reader.number(2);
    if (reader.take(".")) {
        (void)reader.number(1);
        while (reader.take("0123456789")) {
        }
    }
    int offset_minutes = 0;
    if (!reader.take("Zz")) {
        int const sign = reader.take("-") ? -1 : 1;
        if (sign == 1) reader.need("+");
        int const hours = reader.number(2);
        reader.need(":");
        int const minutes = reader.number(2);
        if (hours > 23 || minutes > 59) return fail(Fault::malformed, "is not a moment as RFC 3339 writes it");
        offset_minutes = sign * (hours * 60 + minutes);
    }
    bool const in_range = hour < 24 && minute < 60 && second <= 60;
    if (!reader.good() || !reader.at_end() || !date.ok() || !in_range)
        return fail(Fault::malformed, "is not a moment as RFC 3339 writes it");
    auto const days = std::chrono::sys_days(date).time_since_epoch();
    return std::chrono::seconds(days).count() + hour * 3600 + minute * 60 + second - offset_minutes * 60;
}

}  // namespace ocu
