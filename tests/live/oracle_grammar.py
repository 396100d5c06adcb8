"""Random statements over cache tables and others, for the oracle: what applications write, what they might, and what is odd on purpose."""

import random
import re

CACHE = ["cache", "cache_2", "shop.cache", "`cache`", "`shop`.`cache`", "page_1", "shop . cache_2"]
OTHER = ["users", "shop.users", "orders", "elsewhere.secret", "`users`", "cachex", "information_schema.tables", "mysql.user", "cache_view"]
COLUMNS = ["k", "v", "n", "t", "`k`", "`v`"]
PURE = ["UPPER({0})", "LENGTH({0})", "CONCAT({0}, {1})", "IFNULL({0}, {1})", "COALESCE({0}, {1})", "MD5({0})", "SHA1({0})", "HEX({0})",
        "LEFT({0}, 3)", "SUBSTRING({0}, 2, 3)", "REPLACE({0}, 'a', 'b')", "IF({0}, {1}, {2})", "ABS({0})", "ROUND({0}, 1)", "NOW()",
        "UNIX_TIMESTAMP()", "DATE_ADD(NOW(), INTERVAL {2} DAY)", "CAST({0} AS CHAR)", "CAST({0} AS UNSIGNED)", "GREATEST({0}, {1})", "CRC32({0})",
        "LPAD({0}, 5, '0')", "TRIM({0})", "COUNT(*)", "MAX({0})", "SUM({2})", "GROUP_CONCAT({0})", "LOCATE('a', {0})", "FIELD({0}, 'a', {1})",
        "NULLIF({0}, {1})", "JSON_EXTRACT('{{\"a\": 1}}', '$.a')", "INSTR({0}, {1})", "STR_TO_DATE('2026-01-01', '%Y-%m-%d')", "CURDATE()",
        "FROM_UNIXTIME({2})", "CHAR({2})", "ASCII({0})", "REVERSE({0})", "FLOOR({2})", "MOD({2}, 3)", "RAND()", "UUID()", "INET_ATON('10.0.0.1')"]
TIED = ["GET_LOCK('l', 0)", "RELEASE_LOCK('l')", "IS_USED_LOCK('l')", "IS_FREE_LOCK('l')", "LAST_INSERT_ID()", "LAST_INSERT_ID({2})", "CONNECTION_ID()", "USER()",
        "CURRENT_USER()", "CURRENT_USER", "SESSION_USER()", "DATABASE()", "SCHEMA()", "FOUND_ROWS()", "ROW_COUNT()", "@a", "@b := {2}", "@@sql_mode",
        "@@session.time_zone", "@@warning_count", "shop.f({2})", "f({2})", "shop.g()", "LOAD_FILE('/etc/hostname')", "VERSION()", "UUID_SHORT()",
        "NEXTVAL(shop.s)", "CHARSET(USER())", "CURRENT_ROLE()", "MASTER_POS_WAIT('x', 1, 0)", "LASTVAL(shop.s)", "unknown_function({0})"]
HINTS = ["", "", "", "", "", "/* app */ ", "-- x\n", "# y\n", "/*+ MAX_EXECUTION_TIME(1000) */ ", "/*! SQL_NO_CACHE */ ", "/*!40001 SQL_NO_CACHE */ ",
         "/*M! HIGH_PRIORITY */ ", "SQL_NO_CACHE ", "DISTINCT ", "HIGH_PRIORITY ", "SQL_CALC_FOUND_ROWS ", "STRAIGHT_JOIN ", "ALL "]
TAILS = ["", "", "", "", "", "", " LIMIT 2", " ORDER BY 1", " ORDER BY 1 DESC LIMIT 1, 2", " LIMIT 1 OFFSET 1", " FOR UPDATE", " LOCK IN SHARE MODE", " FOR SHARE",
         " FOR UPDATE SKIP LOCKED", " INTO @z", " INTO OUTFILE '/tmp/x'", ";", "; -- x", " /* end */", "; SELECT 1", " PROCEDURE ANALYSE()", " -- x"]


class Grammar:
    def __init__(self, seed, seeds):
        self.random = random.Random(seed)
        self.seeds = seeds

    def pick(self, choices):
        return self.random.choice(choices)

    def chance(self, share):
        return self.random.random() < share

    def table(self):
        return self.pick(OTHER) if self.chance(0.12) else self.pick(CACHE)

    def literal(self):
        return self.pick(["1", "2", "-3", "0", "1.5", "'a'", "'b'", "'user:1'", "NULL", "''", "x'61'", "0x62", "'it''s'", "'a\\'b'", "\"q\"", "'FROM users'",
                          "'; DROP TABLE x'", "N'n'", "_utf8mb4'u'", "TRUE", "'é'", "b'1'", "'/*'", "'--'", "DATE '2026-01-01'", "'\\\\'", "`k`"])

    def value(self, depth=0):
        draw = self.random.random()
        if draw < 0.45 or depth > 2:
            return self.literal()
        if draw < 0.65:
            return self.pick(COLUMNS)
        if draw < 0.82:
            return self.pick(PURE).format(*[self.value(depth + 1) for _ in range(2)], self.pick(["1", "2", "n", "3"]))
        if draw < 0.86:
            return self.pick(TIED).format(*[self.value(depth + 1) for _ in range(2)], self.pick(["1", "2", "n"]))
        if draw < 0.90:
            return "(" + self.select(depth + 1, columns=1) + ")"
        if draw < 0.95:
            return f"({self.value(depth + 1)} {self.pick(['+', '-', '*', '=', '<', '<=>', '||', 'AND', 'DIV', '%', 'LIKE', 'XOR'])} {self.value(depth + 1)})"
        return f"CASE WHEN {self.value(depth + 1)} THEN {self.value(depth + 1)} ELSE {self.value(depth + 1)} END"

    def condition(self, depth):
        draw = self.random.random()
        column = self.pick(COLUMNS)
        if draw < 0.5:
            return f"{column} {self.pick(['=', '<', '>', '!=', '<=>', 'LIKE'])} {self.value(depth + 1)}"
        if draw < 0.65:
            return f"{column} {self.pick(['', 'NOT '])}IN ({', '.join(self.value(depth + 1) for _ in range(self.random.randint(1, 3)))})"
        if draw < 0.72:
            return f"{column} IN ({self.select(depth + 1, columns=1)})"
        if draw < 0.78:
            return f"{self.pick(['', 'NOT '])}EXISTS ({self.select(depth + 1)})"
        if draw < 0.86:
            return f"{column} BETWEEN {self.value(depth + 1)} AND {self.value(depth + 1)}"
        if draw < 0.93:
            return f"{self.condition(depth + 1)} {self.pick(['AND', 'OR', '&&'])} {self.condition(depth + 1)}"
        return f"{column} IS {self.pick(['', 'NOT '])}NULL"

    def sources(self, depth):
        draw = self.random.random()
        if draw < 0.72 or depth > 1:
            return self.table() + self.pick(["", "", "", " c", " AS c", " PARTITION (p0)" if self.chance(0.02) else ""])
        if draw < 0.84:
            join = self.pick([" JOIN ", " LEFT JOIN ", ", ", " CROSS JOIN ", " NATURAL JOIN ", " STRAIGHT_JOIN "])
            on = " ON a.k = b.k" if join.strip() in ("JOIN", "LEFT JOIN", "STRAIGHT_JOIN") else ""
            return f"{self.table()} a{join}{self.table()} b{on}"
        if draw < 0.92:
            return f"({self.select(depth + 1)}) {self.pick(['d', 'AS d', 'cache', 'users'])}"
        return f"({self.table()} a, {self.table()} b)"

    def select(self, depth=0, columns=None):
        count = columns or self.random.randint(1, 3)
        fields = "*" if columns is None and self.chance(0.2) else ", ".join(self.value(depth) for _ in range(count))
        text = f"SELECT {self.pick(HINTS) if depth == 0 else ''}{fields}"
        if not self.chance(0.03):
            text += f" FROM {self.sources(depth)}"
            if self.chance(0.7):
                text += f" WHERE {self.condition(depth)}"
            if self.chance(0.06):
                text += f" GROUP BY {self.pick(COLUMNS)}" + (" HAVING COUNT(*) > 0" if self.chance(0.4) else "")
        if depth == 0 and self.chance(0.05):
            text = f"{text} UNION {self.pick(['', 'ALL '])}{self.select(1, columns=count)}"
        if depth == 0 and self.chance(0.04):
            name = self.pick(["c", "cache", "users", "w"])
            text = f"WITH {self.pick(['', 'RECURSIVE '])}{name} AS ({self.select(1)}) SELECT * FROM {self.pick([name, name, 'cache', 'users'])}"
        if depth == 0 and self.chance(0.05):
            text = f"({text})"
        return text + (self.pick(TAILS) if depth == 0 else "")

    def write(self):
        verb = self.pick(["REPLACE"] * 6 + ["INSERT", "INSERT IGNORE", "UPDATE", "DELETE"])
        if verb == "UPDATE":
            target = self.table() if self.chance(0.9) else f"{self.table()} a, {self.table()} b"
            return f"UPDATE {target} SET v = {self.value(1)} WHERE {self.condition(1)}{self.pick(TAILS[:8])}"
        if verb == "DELETE":
            target = self.table() if self.chance(0.9) else f"a USING {self.table()} a JOIN {self.table()} b ON a.k = b.k"
            return f"DELETE FROM {target} WHERE {self.condition(1)}{self.pick(['', '', ' LIMIT 1', ' ORDER BY k LIMIT 1', ' RETURNING k'])}"
        text = f"{verb} {self.pick(['INTO ', 'INTO ', '', 'LOW_PRIORITY INTO ', '/* x */ INTO '])}{self.table()}"
        draw = self.random.random()
        if draw < 0.7:
            rows = ", ".join(f"({self.value(1)}, {self.value(1)})" for _ in range(self.random.randint(1, 3)))
            text += f" ({self.pick(['k, v', '`k`, `v`', 'v, k', 'k, n'])}) VALUES {rows}"
        elif draw < 0.85:
            text += f" SET k = {self.value(1)}, v = {self.value(1)}"
        else:
            text += f" (k, v) {self.select(1, columns=2)}"
        if verb.startswith("INSERT") and self.chance(0.3):
            text += f" ON DUPLICATE KEY UPDATE v = {self.pick(['VALUES(v)', self.value(1)])}"
        return text + self.pick(["", "", "", ";", " RETURNING k", " -- x"])

    def mutate(self, text):
        """Words dropped, doubled, swapped, taken from another statement; and other white space."""
        words = re.findall(r"\s+|\w+|.", text, re.S)
        for _ in range(self.random.randint(1, 3)):
            if not words:
                break
            i = self.random.randrange(len(words))
            draw = self.random.random()
            if draw < 0.3:
                del words[i]
            elif draw < 0.5:
                words.insert(i, words[self.random.randrange(len(words))])
            elif draw < 0.7:
                words.insert(i, self.pick(re.findall(r"\S+", self.pick(self.seeds)) or ["x"]) + " ")
            elif draw < 0.85:
                j = self.random.randrange(len(words))
                words[i], words[j] = words[j], words[i]
            else:
                words.insert(i, self.pick(["/* c */", "\n", "\t", " -- c\n", "/*!50000 ", "*/", "'", '"', "`", "@a", "\\", "(", ")", ";", "/*", "#", "\0", "."]))
        return "".join(words)

    def statement(self):
        draw = self.random.random()
        text = self.pick(self.seeds) if draw < 0.12 else self.write() if draw < 0.45 else self.select()
        return self.mutate(text) if self.chance(0.35) else text
