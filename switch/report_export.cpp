#include "switch/report_export.hpp"

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>

#include "hsm_sim/lmk_file.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/ledger_format.hpp"
#include "ledger/merchant_books.hpp"
#include "ledger/merged_reader.hpp"
#include "ledger/postgres_copy.hpp"
#include "ledger/postgres_report.hpp"
#include "ledger/stored_records.hpp"
#include "switch/admin/control_protocol.hpp"
#include "switch/core/payment_kinds.hpp"
#include "switch/exit_codes.hpp"
#include "switch/open_shards.hpp"
#include "switch/views/state_words.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;
using ledger::Account;
using ledger::Family;
using ledger::ReportTable;
using ledger::TransactionRecord;

namespace {

constexpr std::size_t password_bytes_max = 1'024;
constexpr std::size_t rows_a_statement = 1'000;
constexpr std::size_t rrn_digits = 12;
constexpr const char* of_one_machine = "of one machine";

/// What is exported: a ledger of one machine or a copy of a shard, and how far it goes.
struct Source {
    std::shared_ptr<const ledger::StoreReader> rocks;  // of all shards as one
    std::unique_ptr<ledger::PostgresCopy> copy;
    std::string ledger;
    std::uint64_t turn = 0;
    [[nodiscard]] const ledger::StoreReader& reader() const { return rocks ? *rocks : copy->tables(); }
};

Result<void> check_format(const ledger::StoreReader& store) {
    const auto format = ledger::stored_format(store);
    if (!format) return parse_error(format.error().what);
    if (!*format) return parse_error("the ledger holds nothing");
    if ((*format)->format == ledger::format_version) return {};
    return parse_error("the ledger has format " + std::to_string((*format)->format) +
                       ", this program reads " + std::to_string(ledger::format_version) +
                       ": a start of the switch migrates it");
}

/// The shards of one machine, whose switch is stopped; a turn of each is one of all.
Result<Source> open_shards(const LoadedConfig& config, const std::string& data) {
    if (const auto settled = settle_shard_count(config, data, DataUse::look); !settled)
        return tl::unexpected(settled.error());
    Source out;
    ledger::ShardReaders shards;
    const auto count = static_cast<std::size_t>(config.store.shards);
    for (std::size_t index = 0; index < count; ++index) {
        ledger::RocksStoreOptions options =
            rocks_options_of(config_of_shard(config, index), shard_directory(config, data, index));
        options.read_only = true;
        auto store = ledger::RocksStore::open(options);
        if (!store) return parse_error(store.error().what);
        if (const auto format = check_format(**store); !format) return tl::unexpected(format.error());
        out.turn += (*store)->last_turn_number();
        shards.push_back(std::move(*store));
    }
    out.ledger = of_one_machine;
    if (count > 1) out.ledger += ", " + std::to_string(count) + " shards";
    out.rocks = count == 1 ? shards.front() : std::make_shared<ledger::MergedReader>(shards);
    return out;
}

Result<Source> open_source(const LoadedConfig& config, const std::string& data) {
    if (config.store.engine == StoreEngine::rocks) return open_shards(config, data);
    Source out;
    const auto options = postgres_options_of(config.store);
    if (!options) return tl::unexpected(options.error());
    std::error_code error;
    std::filesystem::create_directories(data, error);
    if (error) return parse_error(data + ": " + error.message());
    std::filesystem::permissions(data, std::filesystem::perms::owner_all, error);
    auto copy = ledger::followed_copy(*options, rocks_options_of(config, data));
    if (!copy) return parse_error(copy.error().what);
    out.copy = std::move(*copy);
    out.ledger = out.copy->mark().ledger + " shard " + std::to_string(options->shard);
    out.turn = out.copy->mark().turn;
    if (const auto format = check_format(out.reader()); !format) return tl::unexpected(format.error());
    return out;
}

/// Rows of a table on their way, some at a time.
class Rows {
  public:
    Rows(ledger::PostgresReport& report, ReportTable table) : report_(report), table_(table) {}
    /// A member that is left out is NULL. False: it failed; why() says why.
    bool add(View row) {
        rows_.add(std::move(row));
        return ++count_ < rows_a_statement || flush();
    }
    bool flush() {
        if (count_ == 0 || !why_.empty()) return why_.empty();
        if (auto put = report_.put(table_, admin::write_json(rows_), count_); !put) why_ = put.error().what;
        rows_ = View::list();
        count_ = 0;
        return why_.empty();
    }
    [[nodiscard]] const std::string& why() const { return why_; }

  private:
    ledger::PostgresReport& report_;
    const ReportTable table_;
    View rows_ = View::list();
    std::size_t count_ = 0;
    std::string why_;
};

std::string utc(iso8583::UtcTime at) {
    const std::int64_t ms = at.ms % 1000;
    char text[40];
    const std::time_t seconds = static_cast<std::time_t>((at.ms - ms) / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(ms));
    return text;
}

class Exporter {
  public:
    Exporter(const LoadedConfig& config, const ledger::StoreReader& from, ledger::PostgresReport& to)
        : config_(config),
          from_(from),
          transactions_(to, ReportTable::transactions),
          postings_(to, ReportTable::postings),
          exceptions_(to, ReportTable::exceptions) {}

    Result<void> run() {
        auto transactions =
            scan<TransactionRecord>(ledger::KeyPrefix::transaction, ledger::decode_transaction_record,
                                    [this](const TransactionRecord& record) { return put(record); });
        if (!transactions) return transactions;
        for (const auto book : {ledger::MerchantBook::fees, ledger::MerchantBook::reserve}) {
            const auto read =
                ledger::visit_merchant_entries(from_, ledger::all_keys(ledger::prefix_of(book)),
                                               [this](const auto& entry) { return put(entry); });
            if (!read) return parse_error(read.error().what);
        }
        auto exceptions = scan<ledger::ExceptionRecord>(
            ledger::KeyPrefix::exception, ledger::decode_exception,
            [this](const ledger::ExceptionRecord& exception) { return put(exception); });
        if (!exceptions) return exceptions;
        for (Rows* rows : {&transactions_, &postings_, &exceptions_})
            if (!rows->flush()) return parse_error(rows->why());
        return {};
    }

  private:
    template <typename Record, typename Decode, typename Put>
    Result<void> scan(ledger::KeyPrefix prefix, Decode decode, Put put_one) {
        const ledger::KeyRange range = ledger::all_keys(prefix);
        std::string fault;
        const auto read =
            from_.scan(Family::journal, range.from, range.to, [&](std::string_view, std::string_view value) {
                const Result<Record> record = decode(value);
                if (!record) fault = "the ledger cannot be read: " + record.error().what;
                return record && put_one(*record);
            });
        if (!read) return parse_error(read.error().what);
        for (const Rows* rows : {&transactions_, &postings_, &exceptions_})
            if (fault.empty()) fault = rows->why();
        return fault.empty() ? Result<void>() : parse_error(fault);
    }

    std::string route(std::uint16_t number) const {
        if (number == 0) return "";
        const routing::Route* found = config_.configuration->routes.find(routing::RouteId{number});
        return found != nullptr ? found->name : "route " + std::to_string(number);
    }
    std::string party(Account account, std::uint16_t of_route, const iso8583::MerchantId& merchant) const {
        const bool of_merchant = account == Account::merchant_payable ||
                                 account == Account::merchant_reserve || account == Account::fee_income;
        return of_merchant ? std::string(merchant.view()) : route(of_route);
    }

    bool put(const TransactionRecord& r) {
        const auto major = [&](std::int64_t minor) {
            return iso8583::Amount(minor, r.amount.currency()).major();
        };
        View row = View::object();
        row.put("rrn", r.rrn.view()).put("kind", kind_word(r)).put("state", ledger::name(r.state));
        row.put_if("business_date", r.business_date.date.iso());
        row.put("created_at", utc(r.created)).put("updated_at", utc(r.updated));
        row.put("merchant", r.merchant.view()).put("terminal", r.terminal.view());
        row.put("batch", r.batch.str()).put("trace", r.stan.str());
        row.put("amount", r.amount.major()).put("currency", r.amount.currency().str());
        row.put("instrument", instrument_name(r));
        row.put_if("pan_masked", r.pan_masked);
        row.put_if("order_number", r.wallet.order_number);
        row.put_if("route", route(r.route));
        row.put_if("response_code", r.answer ? r.answer->code.str() : "");
        row.put_if("authorization_code", r.answer ? r.answer->authorization.view() : "");
        if (r.original) row.put("original_rrn", r.original->view());
        if (r.kind == ledger::TransactionKind::sale)
            row.put("refunded_amount", major(r.refunds_minor)).put("refunds", r.refunds_count);
        row.put_if("reason", r.reason);
        row.put_if("reference", r.reference);
        row.put_if("maker", r.maker);
        row.put_if("checker", r.checker);
        if (!transactions_.add(std::move(row))) return false;
        for (std::size_t i = 0; i < r.postings.size(); ++i) {
            const ledger::Posting& p = r.postings[i];
            View posting = View::object();
            posting.put("id", std::string(r.rrn.view()) + "/" + std::to_string(i));
            posting.put("business_date", p.day.date.iso()).put("rrn", r.rrn.view());
            posting.put("debit_account", account_word(p.debit))
                .put("debit_party", party(p.debit, r.debit_route(i), r.merchant));
            posting.put("credit_account", account_word(p.credit))
                .put("credit_party", party(p.credit, r.credit_route(i), r.merchant));
            posting.put("amount", major(p.amount_minor)).put("currency", r.amount.currency().str());
            if (!postings_.add(std::move(posting))) return false;
        }
        return true;
    }

    bool put(const ledger::MerchantEntry& e) {
        View posting = View::object();
        posting.put("id", std::string(e.merchant.view()) + "/" + e.day.date.yyyymmdd() + "/" +
                              std::string(ledger::name(e.kind)) + "/" + std::to_string(e.number));
        posting.put("business_date", e.day.date.iso());
        posting.put_if("rrn", e.rrn.view());
        posting.put("debit_account", account_word(e.debit))
            .put("debit_party", party(e.debit, e.route, e.merchant));
        posting.put("credit_account", account_word(e.credit))
            .put("credit_party", party(e.credit, e.route, e.merchant));
        posting.put("amount", iso8583::Amount(e.amount_minor, e.currency).major())
            .put("currency", e.currency.str());
        return postings_.add(std::move(posting));
    }

    bool put(const ledger::ExceptionRecord& e) {
        View row = View::object();
        row.put("id", e.id);
        const std::string_view rrn = std::string_view(e.id).substr(0, rrn_digits);
        if (iso8583::Rrn::parse(rrn)) row.put("rrn", rrn);
        row.put("opened_at", utc(e.opened)).put("kind", e.kind).put("rule", e.rule);
        row.put_if("owner", e.owner);
        row.put_if("subject", e.subject);
        row.put("what", e.text).put("alarm", e.alarm).put("repeats", e.repeats);
        row.put_if("resolution", e.resolution);
        row.put_if("resolved_by", e.resolved_by);
        return exceptions_.add(std::move(row));
    }

    const LoadedConfig& config_;
    const ledger::StoreReader& from_;
    Rows transactions_, postings_, exceptions_;
};

Result<ledger::PostgresOptions> options_of(const ReportTarget& to) {
    ledger::PostgresOptions options;
    for (const std::string& text : to.hosts) {
        const auto host = Endpoint::parse(text);
        if (!host) return parse_error("--hosts " + text + ": " + host.error().what);
        if (!host->is_loopback() && to.tls_ca.empty())
            return parse_error("--hosts " + text + " is not on loopback: it needs --tls-ca");
        options.hosts.push_back({host->host, std::to_string(host->port)});
    }
    options.database = to.database;
    options.user = to.user;
    options.tls_ca = to.tls_ca;
    if (to.password_file.empty()) return options;
    const auto text = hsm::read_secret_file(to.password_file, password_bytes_max);
    if (!text) return tl::unexpected(text.error());
    options.password = text->substr(0, text->find('\n'));
    return options;
}

Result<void> export_to(const LoadedConfig& config, const std::string& data, const ReportTarget& target) {
    const auto to = options_of(target);
    if (!to) return tl::unexpected(to.error());
    const auto source = open_source(config, data);
    if (!source) return tl::unexpected(source.error());
    auto report = ledger::PostgresReport::begin(*to, source->ledger, source->turn);
    if (!report) return parse_error(report.error().what);
    if (auto exported = Exporter(config, source->reader(), **report).run(); !exported) return exported;
    const auto done = (*report)->commit();
    if (!done) return parse_error(done.error().what);
    std::fprintf(stdout,
                 "the schema report of %s holds the ledger up to turn %llu: %llu rows, %llu new or changed\n",
                 to->database.c_str(), static_cast<unsigned long long>(source->turn),
                 static_cast<unsigned long long>(done->rows), static_cast<unsigned long long>(done->changed));
    return {};
}

}  // namespace

int export_report(const LoadedConfig& config, const std::string& data, const ReportTarget& to) {
    const auto done = export_to(config, data, to);
    if (done) return exit_done;
    std::fprintf(stderr, "refund-switch: %s\n", done.error().what.c_str());
    return exit_failed;
}

}  // namespace acquirer
