// A ByteChannel with all that TLS asks of the seam and no cryptography: a handshake that both sides take part
// in, records that change the bytes, a farewell, alerts, a bound on records under one key. For tests that the
// seam is complete.
//
// A record: type, length (2 bytes, big-endian), content, each byte of it XORed with `mask`.
#pragma once

#include <algorithm>
#include <memory>

#include "switch/io/byte_channel.hpp"

namespace io_test {

enum class Side { client, server };

struct RecordOptions {
    std::size_t records_max = 1'000'000;  // of sealed data; one more fails
    std::int32_t handshake_ms_max = 10'000;
};

class RecordChannel final : public acquirer::ByteChannel {
  public:
    static constexpr std::size_t content_bytes_max = 1'000;
    static constexpr std::uint8_t mask = 0x5A;
    static constexpr std::uint8_t hello = 'H';
    static constexpr std::uint8_t data = 'D';
    static constexpr std::uint8_t farewell = 'F';
    static constexpr std::uint8_t alert = 'A';

    explicit RecordChannel(Side side, const RecordOptions& options = {}) : side_(side), options_(options) {
        handshake_ms_max_ = options.handshake_ms_max;
    }

    iso8583::ByteView begin() override {
        out_.clear();
        if (side_ == Side::client) put(hello, {});
        return out_;
    }
    Fed feed(iso8583::ByteView wire) override {
        out_.clear();
        plain_.clear();
        input_.insert(input_.end(), wire.begin(), wire.end());
        while (failure_.empty() && !peer_finished_ && take_record()) {
        }
        return {plain_, out_};
    }
    iso8583::ByteView seal(iso8583::ByteView plain) override {
        out_.clear();
        if (!ready_) {
            held_.insert(held_.end(), plain.begin(), plain.end());
            held_bytes_ = held_.size();
        } else {
            put_data(plain);
        }
        return out_;
    }
    iso8583::ByteView finish() override {
        out_.clear();
        if (ready_ && failure_.empty() && !said_farewell_) put(farewell, {});
        said_farewell_ = true;
        return out_;
    }
    void wire_ended() override {
        if (!peer_finished_) failure_ = "the connection was cut off without a farewell";
    }

  private:
    bool take_record() {
        constexpr std::size_t head = 3;
        if (input_.size() < head) return false;
        const std::size_t length = std::size_t{input_[1]} << 8 | input_[2];
        if (length > content_bytes_max) {
            fail("a record is too long");
            return false;
        }
        if (input_.size() < head + length) return false;
        const std::uint8_t type = input_[0];
        iso8583::Bytes content(input_.begin() + head,
                               input_.begin() + static_cast<std::ptrdiff_t>(head + length));
        for (std::uint8_t& byte : content) byte ^= mask;
        input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(head + length));
        record(type, content);
        return true;
    }
    void record(std::uint8_t type, const iso8583::Bytes& content) {
        if (type == alert) {
            failure_ = "the peer's alert";
        } else if (type == hello && !ready_) {
            ready_ = true;
            if (side_ == Side::server) put(hello, {});
            put_data(held_);
            held_.clear();
            held_bytes_ = 0;
        } else if (type == data && ready_) {
            plain_.insert(plain_.end(), content.begin(), content.end());
        } else if (type == farewell && ready_) {
            peer_finished_ = true;
        } else {
            fail("not a record that may come here");
        }
    }
    void fail(const char* why) {
        failure_ = why;
        put(alert, {});
    }
    void put_data(iso8583::ByteView plain) {
        while (!plain.empty()) {
            if (++records_ > options_.records_max) {
                failure_ = "no more records under this key";
                return;
            }
            const iso8583::ByteView piece = plain.first(std::min(plain.size(), content_bytes_max));
            put(data, piece);
            plain = plain.subspan(piece.size());
        }
    }
    void put(std::uint8_t type, iso8583::ByteView content) {
        out_.push_back(type);
        out_.push_back(static_cast<std::uint8_t>(content.size() >> 8));
        out_.push_back(static_cast<std::uint8_t>(content.size() & 0xFF));
        for (const std::uint8_t byte : content) out_.push_back(byte ^ mask);
    }

    const Side side_;
    const RecordOptions options_;
    iso8583::Bytes input_;
    iso8583::Bytes held_;
    iso8583::Bytes plain_;
    iso8583::Bytes out_;
    std::size_t records_ = 0;
    bool said_farewell_ = false;
};

inline acquirer::MakeChannel records(Side side, const RecordOptions& options = {}) {
    return [side, options] { return std::make_unique<RecordChannel>(side, options); };
}

}  // namespace io_test
