#!/usr/bin/ruby
# The page server of app.py in Ruby, with mysql2:
#
#     app.rb HOST PORT REQUESTS [PREFIX [PAUSE_MS]]
require 'json'
require 'mysql2'

KEYS = 2000
PER_REQUEST = 30

host, port, requests, prefix, pause_ms = ARGV
prefix ||= 'page'
where = host.start_with?('/') ? { socket: host } : { host: host, port: port.to_i }
db = Mysql2::Client.new(username: 'app', password: 'apppw', database: 'shop', **where)

def clock
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

times = { replaces: [], selects: [], commit: [], request: [] }
latest = {}
wrong = 0
written_at = 0
last_key = nil
requests.to_i.times do
  sleep pause_ms.to_f / 1000
  updates = Array.new(PER_REQUEST) { ["#{prefix}:#{rand(KEYS)}", Array.new(200) { rand(97..122).chr }.join] }
  start = clock
  updates.each do |key, value|
    db.query("REPLACE INTO cache (k, v) VALUES ('#{db.escape(key)}', '#{db.escape(value)}')")
    latest[last_key = key] = value
  end
  written_at = Time.now.to_f
  replaced = clock
  updates.each do |key, _|
    row = db.query("SELECT v FROM cache WHERE k = '#{db.escape(key)}'").first
    wrong += 1 if row.nil? || row['v'] != latest[key]
  end
  finish = clock
  times[:replaces] << replaced - start
  times[:selects] << finish - replaced
  times[:commit] << 0
  times[:request] << finish - start
end

puts JSON.generate(times: times, keys: latest.size, wrong: wrong, written_at: written_at,
                   last_key: last_key, last_value: latest[last_key])
$stdout.flush
