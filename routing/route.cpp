#include "routing/route.hpp"

#include <algorithm>
#include <iterator>

#include "iso8583/values/ensure.hpp"

namespace routing {

using iso8583::ResponseCode;

ResponseCodeSet::ResponseCodeSet(std::initializer_list<std::string_view> codes) {
    for (std::string_view code : codes) codes_.push_back(ResponseCode::of(code));
    std::sort(codes_.begin(), codes_.end());
    ENSURE(std::adjacent_find(codes_.begin(), codes_.end()) == codes_.end());
}

iso8583::Result<ResponseCodeSet> ResponseCodeSet::parse(const std::vector<std::string>& codes) {
    if (codes.size() > codes_max)
        return iso8583::parse_error("response codes: at most " + std::to_string(codes_max) + " are allowed");
    ResponseCodeSet set;
    for (std::size_t i = 0; i < codes.size(); ++i) {
        auto code = ResponseCode::parse(codes[i]);
        if (!code) return iso8583::parse_error("entry " + std::to_string(i + 1) + ": " + code.error().what);
        set.codes_.push_back(*code);
    }
    std::sort(set.codes_.begin(), set.codes_.end());
    const auto twice = std::adjacent_find(set.codes_.begin(), set.codes_.end());
    if (twice != set.codes_.end())
        return iso8583::parse_error("response code " + twice->str() + " is listed twice");
    return set;
}

bool ResponseCodeSet::contains(ResponseCode code) const {
    return std::binary_search(codes_.begin(), codes_.end(), code);
}

std::optional<ResponseCode> ResponseCodeSet::common_with(const ResponseCodeSet& other) const {
    for (ResponseCode code : codes_)
        if (other.contains(code)) return code;
    return std::nullopt;
}

namespace {

std::optional<std::string> wrong_in_numbers(const Route& r) {
    const auto between = [](std::uint64_t v, std::uint64_t low, std::uint64_t high,
                            const char* what) -> std::optional<std::string> {
        if (v >= low && v <= high) return std::nullopt;
        return std::string(what) + " is " + std::to_string(v) + ", between " + std::to_string(low) + " and " +
               std::to_string(high) + " is allowed";
    };
    for (auto problem :
         {between(r.reply_timeout_ms, reply_timeout_ms_min, reply_timeout_ms_max, "reply_timeout_ms"),
          between(r.in_flight_max, 1, route_in_flight_max, "in_flight_max"),
          between(r.advices_in_flight_max, 1, r.in_flight_max, "advices_in_flight_max"),
          between(r.window_days, 0, window_days_max, "window_days"),
          between(r.advice_retry_first_ms, 1, r.advice_retry_max_ms, "advice_retry_first_ms"),
          between(r.advice_attempts_max, 1, 1'000'000, "advice_attempts_max"),
          between(r.wallet.poll_seconds, 1, poll_seconds_max, "processing_poll_seconds"),
          between(r.wallet.processing_days_max, 1, processing_days_bound, "processing_days_max"),
          between(r.wallet.spacing_seconds, 0, spacing_seconds_max, "refund_spacing_seconds"),
          between(r.wallet.per_sale_max, 1, refunds_per_sale_bound, "refunds_per_sale_max")})
        if (problem) return problem;
    return std::nullopt;
}

}  // namespace

const ResponseCodeSet& published_approvals() {
    static const ResponseCodeSet codes{"00", "08", "10", "11", "16", "32", "85",
                                       "87", "A2", "A4", "A5", "A6", "Y1", "Y3"};
    return codes;
}

std::optional<CodeListFault> check_codes(const ResponseCodeLists& c) {
    const ResponseCode approved = ResponseCode::of("00");
    if (!c.approved.contains(approved)) return CodeListFault{"approved", "", "00 has to be in it"};
    if (!c.reversal_done.contains(approved)) return CodeListFault{"reversal_done", "", "00 has to be in it"};
    if (const auto code = c.declined.common_with(published_approvals()))
        return CodeListFault{"declined", "",
                             "response code " + code->str() +
                                 " approves, wholly or in part: whoever takes it for a refusal keeps money"};
    struct Pair {
        const ResponseCodeSet& a;
        const char* a_name;
        const ResponseCodeSet& b;
        const char* b_name;
    };
    for (const Pair& p : {Pair{c.approved, "approved", c.partly_approved, "partly_approved"},
                          {c.approved, "approved", c.unknown, "unknown"},
                          {c.approved, "approved", c.declined, "declined"},
                          {c.partly_approved, "partly_approved", c.unknown, "unknown"},
                          {c.partly_approved, "partly_approved", c.declined, "declined"},
                          {c.unknown, "unknown", c.declined, "declined"},
                          {c.partly_approved, "partly_approved", c.advice_approved, "advice_approved"},
                          {c.advice_approved, "advice_approved", c.advice_processing, "advice_processing"},
                          {c.advice_approved, "advice_approved", c.retry, "retry"},
                          {c.advice_approved, "advice_approved", c.declined, "declined"},
                          {c.reversal_done, "reversal_done", c.reversal_stuck, "reversal_stuck"},
                          {c.reversal_done, "reversal_done", c.reversal_not_found, "reversal_not_found"},
                          {c.reversal_done, "reversal_done", c.retry, "retry"},
                          {c.reversal_stuck, "reversal_stuck", c.retry, "retry"},
                          {c.reversal_not_found, "reversal_not_found", c.retry, "retry"}})
        if (const auto code = p.a.common_with(p.b))
            return CodeListFault{
                p.b_name, p.a_name,
                "response code " + code->str() + " stands in " + p.a_name + " and in " + p.b_name};
    return std::nullopt;
}

std::optional<std::string> check_route(const Route& r) {
    const std::string where = "route " + (r.name.empty() ? std::to_string(r.id.value) : r.name) + ": ";
    if (r.id.value == 0) return where + "id 0 is no route";
    if (r.name.empty()) return where + "a name is needed";
    if (r.dialect.empty()) return where + "a dialect is needed";
    if (r.link_group.empty()) return where + "a link group is needed";
    if (r.successor && !r.retired) return where + "only a retired route has a successor";
    if (auto problem = wrong_in_numbers(r)) return where + *problem;
    if (auto problem = check_codes(r.codes)) return where + problem->list + ": " + problem->what;
    return std::nullopt;
}

IssuerVerdict classify_request(const Route& route, ResponseCode code) {
    if (route.codes.approved.contains(code)) return IssuerVerdict::approved;
    if (route.codes.partly_approved.contains(code)) return IssuerVerdict::partly_approved;
    if (route.codes.unknown.contains(code)) return IssuerVerdict::unknown;
    if (route.codes.declined.contains(code)) return IssuerVerdict::declined;
    return IssuerVerdict::unlisted;
}

bool says_approved(IssuerVerdict verdict) {
    return verdict == IssuerVerdict::approved || verdict == IssuerVerdict::partly_approved;
}

AdviceVerdict classify_refund_advice(const Route& route, ResponseCode code, AdviceAttempt attempt) {
    const ResponseCodeLists& c = route.codes;
    if (c.advice_approved.contains(code)) return AdviceVerdict::approved;
    if (route.kind == RouteKind::wallet && c.advice_processing.contains(code))
        return AdviceVerdict::processing;
    if (c.retry.contains(code)) return AdviceVerdict::retry;
    if (attempt == AdviceAttempt::repeat && c.advice_repeat_unclear.contains(code))
        return AdviceVerdict::parked;
    if (c.declined.contains(code)) return AdviceVerdict::abnormal;
    return AdviceVerdict::parked;
}

ReversalVerdict classify_reversal(const Route& route, ResponseCode code, ReversedOriginal original) {
    const ResponseCodeLists& c = route.codes;
    if (c.reversal_done.contains(code)) return ReversalVerdict::done;
    if (c.retry.contains(code)) return ReversalVerdict::retry;
    const bool approved = original == ReversedOriginal::approved;
    if (approved && c.reversal_stuck.contains(code)) return ReversalVerdict::stuck;
    if (!approved && c.reversal_not_found.contains(code)) return ReversalVerdict::not_found;
    return ReversalVerdict::parked;
}

std::string_view name(SettlementHalf half) {
    switch (half) {
        case SettlementHalf::domestic:
            return "domestic";
        case SettlementHalf::foreign:
            return "foreign";
    }
    return "?";
}
std::string_view name(RouteKind kind) {
    switch (kind) {
        case RouteKind::card:
            return "card";
        case RouteKind::wallet:
            return "wallet";
    }
    return "?";
}
std::string_view name(RefundMode mode) {
    switch (mode) {
        case RefundMode::advice:
            return "advice";
        case RefundMode::online:
            return "online";
    }
    return "?";
}
std::string_view name(VoidMode mode) {
    switch (mode) {
        case VoidMode::online_0200:
            return "online_0200";
        case VoidMode::reversal_0420:
            return "reversal_0420";
    }
    return "?";
}
std::string_view name(AuthorizationVoidMode mode) {
    switch (mode) {
        case AuthorizationVoidMode::reversal_0420:
            return "reversal_0420";
        case AuthorizationVoidMode::online_0100:
            return "online_0100";
    }
    ENSURE(false);
}
std::string_view name(SaleMode mode) {
    switch (mode) {
        case SaleMode::financial_0200:
            return "financial_0200";
        case SaleMode::authorization_0100:
            return "authorization_0100";
    }
    return "?";
}
std::string_view name(RouteMac mac) {
    switch (mac) {
        case RouteMac::retail:
            return "retail";
        case RouteMac::aes_cmac:
            return "aes_cmac";
    }
    return "?";
}
std::string_view name(RouteHealth health) {
    switch (health) {
        case RouteHealth::up:
            return "up";
        case RouteHealth::down:
            return "down";
        case RouteHealth::draining:
            return "draining";
    }
    return "?";
}
std::string_view name(IssuerVerdict verdict) {
    switch (verdict) {
        case IssuerVerdict::approved:
            return "approved";
        case IssuerVerdict::partly_approved:
            return "partly_approved";
        case IssuerVerdict::unknown:
            return "unknown";
        case IssuerVerdict::declined:
            return "declined";
        case IssuerVerdict::unlisted:
            return "unlisted";
    }
    return "?";
}
std::string_view name(AdviceVerdict verdict) {
    switch (verdict) {
        case AdviceVerdict::approved:
            return "approved";
        case AdviceVerdict::abnormal:
            return "abnormal";
        case AdviceVerdict::retry:
            return "retry";
        case AdviceVerdict::processing:
            return "processing";
        case AdviceVerdict::parked:
            return "parked";
    }
    return "?";
}
std::string_view name(ReversalVerdict verdict) {
    switch (verdict) {
        case ReversalVerdict::done:
            return "done";
        case ReversalVerdict::not_found:
            return "not_found";
        case ReversalVerdict::stuck:
            return "stuck";
        case ReversalVerdict::retry:
            return "retry";
        case ReversalVerdict::parked:
            return "parked";
    }
    return "?";
}

}  // namespace routing
