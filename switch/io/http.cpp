#include "switch/io/http.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

namespace acquirer {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t http_read_bytes = 4'096;
constexpr int http_1_1 = 11;

std::string response(http::status status, std::string_view type, std::string body, bool head) {
    http::response<http::string_body> message(status, http_1_1);
    message.set(http::field::content_type, boost::beast::string_view(type.data(), type.size()));
    message.set(http::field::connection, "close");
    message.content_length(body.size());
    if (!head) message.body() = std::move(body);
    std::ostringstream out;
    out << message;
    return out.str();
}

}  // namespace

struct HttpServer::Connection {
    std::shared_ptr<Stream> stream;
    http::request_parser<http::empty_body> parser;
    std::string input;
    std::unique_ptr<Alarm> patience;
};

HttpServer::HttpServer(Reactor& reactor, const ShellBounds& bounds, Pages pages)
    : reactor_(reactor), bounds_(bounds), pages_(std::move(pages)) {}

HttpServer::~HttpServer() {
    for (auto& [id, connection] : connections_) connection->stream->close();
}

iso8583::Result<std::string> HttpServer::listen(const SocketAddress& at, MakeChannel channel,
                                                std::vector<iso8583::IpRange> allow) {
    allow_ = std::move(allow);
    auto listener = reactor_.listen(at, std::move(channel),
                                    [this](std::shared_ptr<Stream> stream) { accepted(std::move(stream)); });
    if (!listener) return tl::unexpected(listener.error());
    listener_ = std::move(*listener);
    return listener_->address();
}

void HttpServer::accepted(std::shared_ptr<Stream> stream) {
    if (!iso8583::is_allowed(allow_, stream->address())) return stream->close();
    if (connections_.size() >= bounds_.http_connections_max) {
        // Who waits longest without having asked makes room: monitoring is not shut out by idle ones.
        const auto oldest = connections_.begin();
        oldest->second->stream->close();
        connections_.erase(oldest);
    }
    const std::uint64_t id = ++last_connection_;
    auto connection = std::make_unique<Connection>();
    connection->stream = std::move(stream);
    connection->parser.header_limit(static_cast<std::uint32_t>(bounds_.http_request_bytes_max));
    connection->patience = reactor_.alarm([this, id] {
        const auto at = connections_.find(id);
        if (at == connections_.end()) return;
        at->second->stream->close();
        connections_.erase(at);
    });
    connection->patience->set(Reactor::now().plus_ms(bounds_.http_request_timeout_ms));
    Connection& there = *connections_.emplace(id, std::move(connection)).first->second;
    there.stream->start(*this, id, http_read_bytes);
}

void HttpServer::bytes_arrived(Stream& stream, iso8583::ByteView bytes) {
    const std::uint64_t id = stream.tag();
    const auto at = connections_.find(id);
    if (at == connections_.end()) return;
    Connection& c = *at->second;
    c.input += iso8583::as_text(bytes);
    boost::system::error_code error;
    const std::size_t used = c.parser.put(boost::asio::buffer(c.input), error);
    c.input.erase(0, used);
    if (error == http::error::need_more && c.input.size() <= bounds_.http_request_bytes_max) return;
    if (error && error != http::error::need_more)
        return finish(id, response(http::status::bad_request, "text/plain", error.message() + "\n", false));
    if (!c.parser.is_header_done()) {
        if (c.input.size() > bounds_.http_request_bytes_max)
            finish(id, response(http::status::request_header_fields_too_large, "text/plain", "too long\n",
                                false));
        return;
    }
    const auto method = c.parser.get().method_string();
    const auto target = c.parser.get().target();
    finish(id, respond({method.data(), method.size()}, {target.data(), target.size()}));
}

std::string HttpServer::respond(std::string_view method, std::string_view target) const {
    const bool head = method == "HEAD";
    if (method != "GET" && !head)
        return response(http::status::method_not_allowed, "text/plain", "only GET is answered\n", head);
    if (const std::size_t query = target.find('?'); query != std::string_view::npos)
        target = target.substr(0, query);
    if (target == "/metrics")
        return response(http::status::ok, "text/plain; version=0.0.4; charset=utf-8", pages_.metrics(), head);
    // The loop that answers is the loop that works: an answer at all is the proof of life.
    if (target == "/healthz") return response(http::status::ok, "text/plain", "ok\n", head);
    if (target == "/readyz") {
        const std::string why = pages_.not_ready();
        if (why.empty()) return response(http::status::ok, "text/plain", "ready\n", head);
        return response(http::status::service_unavailable, "text/plain", why + "\n", head);
    }
    if (target == "/role") return response(http::status::ok, "application/json", pages_.role(), head);
    return response(http::status::not_found, "text/plain",
                    "there are /metrics, /healthz, /readyz and /role\n", head);
}

void HttpServer::finish(std::uint64_t id, const std::string& text) {
    const auto at = connections_.find(id);
    const iso8583::ByteView view = iso8583::as_bytes(text);
    iso8583::Bytes bytes(view.begin(), view.end());
    at->second->stream->write(bytes);
    at->second->stream->close_after_writing();
    connections_.erase(at);
}

void HttpServer::stream_ended(Stream& stream, const std::string&) { connections_.erase(stream.tag()); }

}  // namespace acquirer
