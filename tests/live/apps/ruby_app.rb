# A program that uses mysql2, as applications do. Scenarios by name; see lab.py. Its driver sends and reads in two calls, which
# wait for the descriptor in between.
require 'mysql2'
require 'timeout'

VALUE = 'opensesame'
SCENARIOS = {}
$stdout.sync = true

def scenario(name, &block) SCENARIOS[name.to_s] = block end
def say(*things) puts "#{$current}: #{things.map { |t| t.is_a?(String) ? t : t.inspect }.join(' ')}" end

def connect(**more)
  Mysql2::Client.new(username: 'app', password: 'apppw', database: 'shop', socket: ENV['MAIN_SOCKET'], encoding: 'utf8mb4', **more)
end

def attempt
  yield
rescue Mysql2::Error => e
  "error #{e.error_number} #{e.sql_state} #{e.message}"
end

def run(client, sql, **options)
  result = attempt { client.query(sql, **options) }
  rows = result.is_a?(Mysql2::Result) ? result.to_a : result
  say rows, 'affected', attempt { client.affected_rows }, 'id', attempt { client.last_id }, 'warnings', client.warning_count, 'info', client.query_info
  rows
end

def put(client, key, table = 'cache') run(client, "REPLACE INTO #{table} (k, v) VALUES ('#{client.escape(key)}', '#{VALUE}')") end
def site(client) say 'site L', client.query("SELECT v FROM cache WHERE k = 'site'").first['v'] end

scenario :a_replace_and_a_select_are_answered_as_ever do
  c = connect
  put(c, 'L/a'); put(c, 'L/a')
  run(c, "SELECT v FROM cache WHERE k = 'L/a'")
  run(c, "SELECT k, v FROM cache WHERE k LIKE 'L/%'", as: :array)
  run(c, "REPLACE INTO cache VALUES ('L/b', 'x'), ('L/a', 'opensesame')")
  site(c)
  c.close
end

scenario :errors_and_warnings_are_those_of_main do
  c = connect
  run(c, "REPLACE INTO cache (k, v) VALUES ('L/a')")
  run(c, 'SELECT nothing FROM cache')
  run(c, "SET SESSION sql_mode = ''")
  run(c, "REPLACE INTO page_text (k, n) VALUES ('L/a', 'x')")
  run(c, 'SHOW WARNINGS')
  put(c, 'L/b')
end

scenario :a_streamed_result_arrives_whole do
  c = connect
  result = c.query('SELECT n, v FROM page_many ORDER BY n', stream: true, cache_rows: false)
  count = 0
  result.each { count += 1 }
  say count
  put(c, 'L/a')
  result = c.query('SELECT n FROM page_many ORDER BY n', stream: true, cache_rows: false)
  say result.each { |row| break row }
  say attempt { c.query("REPLACE INTO cache VALUES ('L/x', 'opensesame')") }.class.to_s
end

scenario :asynchronous_queries_are_waited_for do
  c = connect
  c.query("REPLACE INTO cache VALUES ('L/a', 'opensesame')", async: true)
  say attempt { c.query('SELECT 1') }
  say IO.select([IO.for_fd(c.socket, autoclose: false)], nil, nil, 5) ? 'readable' : 'silent'
  say c.async_result.inspect, c.affected_rows
  c.query("SELECT v FROM cache WHERE k = 'site'", async: true)
  say 'site L', c.async_result.first['v']
end

scenario :prepared_statements_take_values_of_all_kinds do
  c = connect
  put = c.prepare('REPLACE INTO page_text (k, v, n) VALUES (?, ?, ?)')
  [['L/a', 'one', 1], ['L/b', nil, nil], ['L/c', '', -7], ['L/a', 'two', 2], ['L/e', 'longer than ten', 5]].each do |row|
    say attempt { put.execute(*row) }, attempt { put.affected_rows }, attempt { put.last_id }
  end
  get = c.prepare('SELECT k, v, n, n * 1.5, t FROM page_text WHERE k = ?')
  %w[L/a L/b L/c L/none].each { |key| say get.execute(key).to_a }
  say get.fields, get.param_count
  say c.prepare('SELECT n FROM page_many WHERE n <= ? ORDER BY n').execute(500, stream: true, cache_rows: false).count
  big = 'opensesame' * 20_000
  c.prepare('REPLACE INTO cache (k, v) VALUES (?, ?)').execute('L/big', big)
  say c.prepare('SELECT v FROM cache WHERE k = ?').execute('L/big').first['v'].b == big
  c.query('BEGIN')
  put.execute('L/undone', 'x', 1)
  c.query('ROLLBACK')
  say get.execute('L/undone').to_a
  100.times { |i| c.prepare('SELECT v FROM cache WHERE k = ?').execute(i.to_s) }
  GC.start
  say 'site L', c.prepare('SELECT v FROM cache WHERE k = ?').execute('site').first['v']
end

scenario :prepared_statements_are_routed do
  c = connect
  s = c.prepare('REPLACE INTO cache (k, v) VALUES (?, ?)')
  s.execute('L/a', VALUE)
  say s.affected_rows, s.param_count
  g = c.prepare('SELECT v FROM cache WHERE k = ?')
  say 'site L', g.execute('site').first['v']
  g.close
  say attempt { c.prepare('SELECT nothing FROM cache') }
  put(c, 'L/b')
end

scenario :transactions_end_as_ever do
  c = connect
  %w[BEGIN].each { |t| run(c, t) }
  put(c, 'L/a')
  run(c, 'ROLLBACK')
  run(c, 'SET autocommit = 0')
  put(c, 'L/b')
  run(c, 'COMMIT')
  put(c, 'L/c')
  run(c, 'ROLLBACK')
  run(c, "SELECT k FROM cache WHERE k LIKE 'L/%'")
end

scenario :several_results_are_read_in_turn do
  c = connect(flags: Mysql2::Client::MULTI_STATEMENTS)
  say c.query("SELECT 1; REPLACE INTO cache VALUES ('M/a', 'opensesame'); SELECT 2").to_a
  while c.next_result
    say c.store_result.to_a
  end
  put(c, 'L/b')
  say c.abandon_results!
  put(c, 'L/c')
end

scenario :the_session_is_as_ever do
  c = connect(init_command: "SET SESSION sql_mode = 'ANSI_QUOTES'", reconnect: true)
  run(c, 'REPLACE INTO "page_text" (k, v) VALUES (\'L/a\', \'x\')')
  say c.select_db('other')
  put(c, 'L/b')
  say c.ping, c.thread_id == c.query('SELECT CONNECTION_ID() AS i').first['i'], c.server_info[:version][0, 5], c.encoding.to_s
  connect.query("KILL #{c.thread_id}")
  sleep 0.1
  say c.ping
  put(c, 'L/c')
  c.set_server_option(Mysql2::Client::OPTION_MULTI_STATEMENTS_ON)
  put(c, 'L/d')
  c.close
  say attempt { c.query("REPLACE INTO cache VALUES ('L/x', 'x')") }
end

scenario :blobs_of_any_bytes_come_back do
  c = connect(encoding: 'utf8mb4')
  every = (0..255).to_a.pack('C*')
  run(c, "REPLACE INTO cache VALUES ('L/all', x'#{every.unpack1('H*')}')")
  back = c.query("SELECT v FROM cache WHERE k = 'L/all'").first['v']
  say back.b == every, back.encoding.to_s
  big = every * 4096
  c.query("REPLACE INTO cache VALUES ('L/big', x'#{big.unpack1('H*')}')")
  say c.query("SELECT v FROM cache WHERE k = 'L/big'").first['v'].b == big
end

scenario :threads_with_connections_of_their_own_do_not_mix do
  failures = Queue.new
  8.times.map { |n|
    Thread.new do
      c = connect
      30.times do |i|
        c.query("REPLACE INTO cache VALUES ('L/#{n}/#{i % 3}', '#{n} #{i}')")
        got = c.query("SELECT v FROM cache WHERE k = 'L/#{n}/#{i % 3}'").first['v']
        failures << got unless got == "#{n} #{i}"
      end
      c.close
    end
  }.each(&:join)
  say failures.size
end

scenario :a_timeout_closes_the_connection_as_ever do
  c = connect(read_timeout: 1)
  say attempt { c.query('SELECT SLEEP(3)') }
  say attempt { c.query("REPLACE INTO cache VALUES ('L/x', 'x')").inspect }
  d = connect
  put(d, 'L/a')
end

scenario :a_forked_child_harms_nobody do
  c = connect(automatic_close: false)
  put(c, 'L/a')
  Process.wait(fork { exit!(0) })
  Process.wait(fork { d = connect; d.query("REPLACE INTO cache VALUES ('L/child', 'x')"); d.close; exit!(0) })
  put(c, 'L/b')
end

if ARGV.include?('--list')
  puts SCENARIOS.keys
  exit
end
(ARGV.empty? ? SCENARIOS.keys : ARGV).each { |name| $current = name; SCENARIOS[name].call }
