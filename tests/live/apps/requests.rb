# What requests.py does, through mysql2: requests.rb WORKER UNTIL
require 'mysql2'
require 'json'

NAME, UNTIL = ARGV
$counts = { statements: 0, errors: [], wrong: [], misses: 0, older: 0, longest_s: 0.0 }
$latest = {}
$orders = 0

def connect
  $client = Mysql2::Client.new(username: 'app', password: 'apppw', database: 'shop', socket: ENV['MAIN_SOCKET'], encoding: 'utf8mb4')
end

def say(sql)
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  $client.query(sql).to_a
ensure
  took = Process.clock_gettime(Process::CLOCK_MONOTONIC) - started
  $counts[:statements] += 1
  $counts[:longest_s] = [$counts[:longest_s], took].max
end

def wrong(what) $counts[:wrong] << what end

def put(key, value)
  say("REPLACE INTO cache (k, v) VALUES ('#{key}', '#{value}')")
  wrong("REPLACE affected #{$client.affected_rows} rows") unless [1, 2].include?($client.affected_rows)
end

def value(i) "#{NAME} #{i} #{'x' * (i * 37 % 4000)}" end

def ours?(key, value)
  i = value.split(' ')[1].to_i
  written = [value(i)] + (i % 11 == 0 ? ["#{value(i)} kept"] : [])
  i.positive? && i <= $latest[key].split(' ')[1].to_i && key == "#{NAME}/#{i % 40}" && written.include?(value)
end

def look(key)
  rows = say("SELECT k, v FROM cache WHERE k = '#{key}'")
  value = rows.first && rows.first['v']
  if value.nil?
    $counts[:misses] += 1
  elsif rows.size != 1 || rows.first['k'] != key || !ours?(key, value)
    wrong("#{key} is #{value[0, 40]}")
  elsif value != $latest[key]
    $counts[:older] += 1
  end
end

def order
  say("INSERT INTO orders (v) VALUES ('#{NAME}')")
  $orders += 1
end

def request(i)
  key = "#{NAME}/#{i % 40}"
  value = $latest[key] = value(i)
  put(key, value)
  look(key)
  if i % 5 == 0
    order
    count = say("SELECT COUNT(*) AS n FROM orders WHERE v = '#{NAME}'").first['n']
    wrong("#{count} orders, #{$orders} were inserted") if count != $orders
  end
  if i % 7 == 0
    say('START TRANSACTION')
    put(key, "#{value} undone")
    say("INSERT INTO orders (v) VALUES ('#{NAME}')")
    say('ROLLBACK')
    look(key)
  end
  if i % 11 == 0
    say('START TRANSACTION')
    put(key, "#{value} kept")
    $latest[key] = "#{value} kept"
    order
    say('COMMIT')
    look(key)
  end
  return unless i % 13 == 0
  begin
    say("INSERT INTO orders (id, v) VALUES (1, 'again')")
    wrong('a duplicate key was inserted')
  rescue Mysql2::Error => e
    raise unless e.error_number == 1062
  end
end

connect
i = 0
until File.exist?(UNTIL)
  i += 1
  begin
    request(i)
  rescue Mysql2::Error => e
    $counts[:errors] << "#{e.error_number} #{e.message}"
    connect
  end
end
puts JSON.generate($counts)
