# SPDX-License-Identifier: GPL-3.0-or-later
"""SX-3: a program that a call left in the background lives on with its session, can be talked to, and ends with it, on both tiers."""

from support.case import ApplianceCase, on_gvisor


class Background(ApplianceCase):
    def test_a_web_server_answers_later_calls_and_other_connections(self):
        self.client.bash("echo served > page; python3 -m http.server 8000 --bind 127.0.0.1 > server.log 2>&1 & echo $! > pid")
        fetch = "curl -sS --noproxy '*' --retry 20 --retry-delay 1 --retry-connrefused http://127.0.0.1:8000/page"
        self.assertEqual(self.client.bash(fetch).splitlines()[-1], "served")
        again = self.chat(self.client.chat)  # a client of its own: the program belongs to the session, not to who is connected
        self.assertEqual(again.bash(fetch).splitlines()[-1], "served")
        self.assertIn("GET /page", again.bash("cat server.log"))
        self.assertEqual(again.bash("kill $(cat pid); while kill -0 $(cat pid) 2>/dev/null; do sleep 0.05; done; echo ended").strip(), "ended")

    def test_an_interpreter_is_talked_to_through_a_pipe(self):
        self.client.bash("mkfifo in; python3 -iqu < in > out 2>&1 & sleep 1000 > in & echo started")
        self.client.bash("echo 'x = 6 * 7' > in", timeout_s=20)
        self.client.bash("echo 'print(\"answer\", x)' > in", timeout_s=20)
        self.assertIn("answer 42", self.client.bash("until grep -q 'answer 42' out; do sleep 0.05; done; cat out", timeout_s=20))

    def test_the_timeout_of_a_later_call_leaves_it_alone(self):
        self.client.bash("sleep 1000 > log 2>&1 & echo $! > pid")
        self.assertRegex(self.client.bash("sleep 600", timeout_s=1).lower(), "time")
        self.assertEqual(self.client.bash("kill -0 $(cat pid) && echo alive").strip(), "alive")

    def test_another_chat_neither_sees_nor_reaches_it(self):
        self.client.bash("python3 -m http.server 8001 > log 2>&1 & echo $!")
        fetch = "curl -s --noproxy '*' --retry 20 --retry-delay 1 --retry-connrefused http://127.0.0.1:8001/ >/dev/null && echo reached"
        self.assertIn("reached", self.client.bash(fetch))
        other = self.chat("another-" + self.client.chat)
        self.assertEqual(other.bash("ps -eo args | grep -c '[h]ttp.server 8001'").split()[0], "0")
        self.assertNotIn("reached", other.bash("curl -s --noproxy '*' http://127.0.0.1:8001/ && echo reached"))


BackgroundOnGvisor = on_gvisor(Background)
