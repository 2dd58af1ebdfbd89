import Testing

@Suite("Scenarios") struct ScenarioTests {
  @Test("who held the address is as the scenario says", arguments: Scenario.all)
  func plays(_ scenario: Scenario) throws {
    let faults = try scenario.play()
    #expect(faults.isEmpty, "\(scenario.name).txt\n\(faults.joined(separator: "\n"))")
  }

  @Test("there are scenarios") func exist() { #expect(Scenario.all.count >= 10) }
}
