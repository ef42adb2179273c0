// A terminal of the profile iso87-ascii on the npm package iso_8583, written from docs/wire.md and docs/interfaces.md
// alone. The package makes and reads the messages, node:crypto the MAC, node:net the line.
//
//   node terminal.js HOST PORT TERMINAL MERCHANT CARD…
//
// Each card is sold to, refunded, voided and reversed; a line BROKEN says what was not as expected, the last line is a
// JSON list of the effects that its issuer must have booked. Exit code 1: something was broken.
'use strict';
const net = require('node:net');
const crypto = require('node:crypto');
const Iso8583 = require('iso_8583');

const REPLY_TIMEOUT_MS = 60000;
const ANSWER_TO = {'0200': '0210', '0201': '0210', '0220': '0230', '0400': '0410', '0401': '0410', '0800': '0810'};

const TAK = Buffer.from('10101010101010102323232323232323', 'hex');  // the demo's test key
// Where the profile is other than the package's own table: the bitmap and bytes are hex characters.
const FORMATS = {
  1: {ContentType: 'an', Label: 'Bitmap', LenType: 'fixed', MaxLen: 32},
  64: {ContentType: 'an', Label: 'MAC', LenType: 'fixed', MaxLen: 16},
  128: {ContentType: 'an', Label: 'MAC', LenType: 'fixed', MaxLen: 16},
};

// Single DES is no cipher of today's OpenSSL: it is triple DES under three times the same key.
function desCbc(keys, iv, data) {
  const cipher = crypto.createCipheriv('des-ede3-cbc', Buffer.concat(keys), iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

// ISO 9797-1 algorithm 3, padding method 1: DES-CBC, and the last block under both halves.
function retailMac(key, message) {
  const padded = Buffer.concat([message, Buffer.alloc((8 - message.length % 8) % 8)]);
  const [left, right] = [key.subarray(0, 8), key.subarray(8)];
  const chained = desCbc([left, left, left], Buffer.alloc(8), padded.subarray(0, -8));
  const iv = chained.length ? chained.subarray(-8) : Buffer.alloc(8);
  return desCbc([left, right, left], iv, padded.subarray(-8)).toString('hex').toUpperCase();
}

function packed(fields) {
  const buffer = new Iso8583(fields, FORMATS).getRawMessage();
  if (!Buffer.isBuffer(buffer)) throw new Error(`iso_8583 cannot pack ${JSON.stringify(fields)}: ${buffer.error}`);
  return buffer;
}

// The package writes a secondary bitmap always, so the MAC is DE128; `key` null leaves it out.
function bytesOf(fields, key) {
  if (!key) return packed(fields);
  const unsigned = packed({...fields, 128: '0'.repeat(16)}).subarray(0, -16);
  return Buffer.concat([unsigned, Buffer.from(retailMac(key, unsigned))]);
}

// The package reads one length of a hex bitmap only, but both of a binary one: the bitmap is made binary.
function read(body) {
  const length = parseInt(body.toString('latin1', 4, 5), 16) & 8 ? 32 : 16;
  const bitmap = Buffer.from(body.toString('latin1', 4, 4 + length), 'hex');
  const fields = new Iso8583(undefined, FORMATS).getIsoJSON(
    Buffer.concat([body.subarray(0, 4), bitmap, body.subarray(4 + length)]), {lenHeader: false});
  if (fields.error) throw new Error(`iso_8583 cannot read the answer ${body}: ${fields.error}`);
  const mac = fields[128] || fields[64];
  return {fields, mac: !mac ? 'none' : mac === retailMac(TAK, body.subarray(0, -16)) ? 'right' : 'wrong'};
}

class Line {
  constructor(host, port) {
    this.received = Buffer.alloc(0);
    this.socket = net.connect({host, port, noDelay: true});
    this.socket.setTimeout(REPLY_TIMEOUT_MS, () => this.socket.destroy(new Error('no answer in time')));
    this.socket.on('data', (piece) => { this.received = Buffer.concat([this.received, piece]); this.deliver(); });
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Error('the line was closed')));
  }

  deliver() {
    if (!this.waiting || this.received.length < 2 || this.received.length < 2 + this.received.readUInt16BE()) return;
    const end = 2 + this.received.readUInt16BE();
    const body = this.received.subarray(2, end);
    this.received = this.received.subarray(end);
    const {resolve} = this.waiting;
    this.waiting = null;
    resolve(body);
  }

  fail(error) {
    if (this.waiting) this.waiting.reject(error);
    this.waiting = null;
  }

  exchange(body) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(body.length);
    return new Promise((resolve, reject) => {
      this.waiting = {resolve, reject};
      this.socket.write(Buffer.concat([length, body]));
      this.deliver();
    });
  }
}

class Terminal {
  constructor(line, terminal, merchant) {
    Object.assign(this, {line, terminal, merchant, trace: 0, held: 0, broken: 0});
  }

  expect(seen, wanted, what) {
    if (seen === wanted) { this.held += 1; return; }
    this.broken += 1;
    console.log(`BROKEN: ${what}: expected ${wanted}, saw ${seen}`);
  }

  request(mti, fields) {
    this.trace += 1;
    const now = new Date().toISOString().replace(/\D/g, '');
    const trace = String(this.trace).padStart(6, '0');
    return {0: mti, 7: now.slice(4, 14), 11: trace, 41: this.terminal, 42: this.merchant, ...fields};
  }

  card(mti, code, card, amount, more) {
    const digits = String(amount).padStart(12, '0');
    return this.request(mti, {2: card, 3: code, 4: digits, 22: '021', 25: '00', 49: '156', ...more});
  }

  sale(card, amount) { return this.card('0200', '000000', card, amount); }

  refund(sold, amount, mti = '0200') {
    return this.card(mti, '200000', sold.card, amount, {37: sold[37], 38: sold[38]});
  }

  void_(sold, amount) { return this.card('0200', '020000', sold.card, amount, {37: sold[37], 38: sold[38]}); }

  reversal(of) {
    return this.request('0400', {2: of[2], 3: of[3], 4: of[4], 22: of[22], 25: of[25], 39: '98', 49: of[49],
                                 90: of[0] + of[11] + of[7] + '0'.repeat(22)});
  }

  repeat(fields) { return new Iso8583({...fields}, FORMATS).toRetransmit(); }

  // Sends, and checks what every answer must have; `key` other than the terminal's asks for an answer without MAC.
  async ask(fields, code, what, key = TAK) {
    const {fields: answer, mac} = read(await this.line.exchange(bytesOf(fields, key)));
    this.expect(answer[39], code, what);
    this.expect(answer[0], ANSWER_TO[fields[0]], `${what}: message type`);
    this.expect(mac, key === TAK && !['30', '97', '03', '77'].includes(code) ? 'right' : 'none', `${what}: MAC`);
    for (const n of [3, 4, 11, 41, 42, 49]) {
      if (code !== '30') this.expect(answer[n], fields[n], `${what}: DE${n}`);
    }
    for (const n of [2, 35, 52]) this.expect(answer[n], undefined, `${what}: DE${n}, which no answer carries`);
    if (code === '00' && fields[0][1] !== '8') {
      this.expect(/^[0-9A-Z]{12}$/.test(answer[37]), true, `${what}: DE37 ${answer[37]} is an RRN`);
    }
    return answer;
  }

  async sell(card, amount, what) {
    const sale = this.sale(card, amount);
    const sold = await this.ask(sale, '00', what);
    this.expect(/^[0-9A-Z ]{6}$/.test(sold[38]), true, `${what}: DE38 ${sold[38]} is an authorization code`);
    return [sale, {...sold, card}];
  }

  async same(fields, first, what) {
    const again = await this.ask(fields, '00', what);
    for (const n of [37, 38]) this.expect(again[n], first[n], `${what}: DE${n} is the first answer's`);
  }
}

async function play(terminal, card, effects) {
  const booked = (kind, amount) => effects.push({kind, amount, pan_last4: card.slice(-4)});

  const [sale, sold] = await terminal.sell(card, 10000, 'a sale of 100.00');
  booked('sale', 10000);
  await terminal.same(terminal.repeat(sale), sold, 'its repeat (0201)');
  const refund = terminal.refund(sold, 3000);
  const refunded = await terminal.ask(refund, '00', 'a refund of 30.00');
  booked('refund', 3000);
  terminal.expect(refunded[37] === sold[37], false, 'the refund has the RRN of its sale');
  await terminal.same(terminal.repeat(refund), refunded, 'the repeat of the refund (0201)');
  await terminal.ask(terminal.refund(sold, 7001), '64', 'a refund of 70.01 of 70.00');
  await terminal.ask(terminal.refund(sold, 7000, '0220'), '00', 'a refund of 70.00 by 0220');
  booked('refund', 7000);
  await terminal.ask(terminal.refund(sold, 1), '64', 'a refund of 0.01 of nothing');

  const [, toVoid] = await terminal.sell(card, 2500, 'a sale of 25.00');
  booked('sale', 2500);
  await terminal.ask(terminal.void_(toVoid, 2500), '00', 'its void');
  booked('void', 2500);
  await terminal.ask(terminal.refund(toVoid, 2500), '12', 'a refund of a voided sale');

  const [toReverse, reversedSale] = await terminal.sell(card, 7700, 'a sale of 77.00');
  booked('sale', 7700);
  const reversal = terminal.reversal(toReverse);
  const reversed = await terminal.ask(reversal, '00', 'its reversal');
  booked('reversal', 7700);
  await terminal.same(terminal.repeat(reversal), reversed, 'the repeat of the reversal (0401)');
  await terminal.ask(terminal.repeat(toReverse), '12', 'the repeat of the reversed sale');
  const late = read(await terminal.line.exchange(bytesOf(terminal.refund(reversedSale, 100), TAK))).fields[39];
  terminal.expect(['09', '12'].includes(late), true, `a refund of a reversed sale is answered ${late}`);

  await terminal.ask(terminal.sale(card, 9951), '51', 'a sale that the issuer declines');
  const forged = terminal.sale(card, 1100);
  await terminal.ask(forged, '63', 'a sale under another key', Buffer.alloc(16, 0x54));
  await terminal.ask(forged, '63', 'a sale without a MAC', null);
  await terminal.ask(forged, '00', 'the same sale with its MAC');
  booked('sale', 1100);
  const {4: _, ...without} = terminal.sale(card, 100);
  await terminal.ask(without, '30', 'a sale without DE4');

  const {2: __, ...read35} = terminal.sale(card, 1200);
  await terminal.ask({...read35, 35: `${card}=30122010000000000`.slice(0, 37)}, '00', 'a sale by track 2 (DE35)');
  booked('sale', 1200);
}

async function main([host, port, number, merchant, ...cards]) {
  const wanted = '4E8CB8D2E952CEAD';  // the check value of docs/wire.md
  const message = '02007220000000C08001164111111111111111000000000000001000112922300000004210000001123456780000001156';
  const terminal = new Terminal(new Line(host, Number(port)), number, merchant);
  terminal.expect(retailMac(Buffer.from('0123456789ABCDEFFEDCBA9876543210', 'hex'), Buffer.from(message)), wanted,
                  'the check value of the retail MAC');
  const effects = [];
  await terminal.ask(terminal.request('0800', {70: '001'}), '00', 'a sign-on', null);
  for (const card of cards) await play(terminal, card, effects);
  await terminal.ask(terminal.request('0800', {70: '301'}), '00', 'an echo with a MAC');
  await terminal.ask(terminal.request('0800', {70: '002'}), '00', 'a sign-off', null);
  terminal.line.socket.destroy();
  console.log(`${terminal.held} checks held, ${terminal.broken} broken`);
  console.log(JSON.stringify(effects));
  process.exitCode = terminal.broken ? 1 : 0;
}

main(process.argv.slice(2)).catch((error) => {
  console.log(`BROKEN: ${error.stack}`);
  process.exitCode = 1;
});
