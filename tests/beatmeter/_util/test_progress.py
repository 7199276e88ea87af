from beatmeter._util.progress import track


def test_items_pass_unchanged_and_nothing_is_said_off_a_terminal(capsys):
    assert list(track(iter("abc"), "spelling")) == ["a", "b", "c"]
    assert list(track([1, 2], "counting", total=2)) == [1, 2]
    assert capsys.readouterr() == ("", "")


def test_items_are_taken_one_at_a_time():
    taken = []

    def source():
        for number in range(3):
            taken.append(number)
            yield number

    passing = track(source(), "waiting", total=3)
    assert next(passing) == 0
    assert taken == [0]
    passing.close()
